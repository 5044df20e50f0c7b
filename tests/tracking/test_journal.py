"""The journal: append-only, with checksums, one line per epoch."""

import itertools
import json
import math
import zlib
from pathlib import Path
from typing import Any

import pytest
from recorded import begin, epoch, finish

from ablab.tracking.journal import Entry, Journal, JournalError, read_entries, same_metrics
from ablab.tracking.lab import Lab
from ablab.tracking.records import read_record


@pytest.mark.parametrize("value", [0.1, -0.0, 1 / 3, 5e-324, 1.7976931348623157e308, 1e22])
@pytest.mark.parametrize("text", ["", "two\nlines\r\u2028", "relu · seed 3", '"\\', "\x00"])
def test_a_line_is_read_as_written(value: float, text: str) -> None:
    entry = Entry("epoch", value, 3, {text: value}, {"seconds": -value}, {"reason": text})
    line = entry.encode()
    assert line.count("\n") == 1
    assert len(line.encode().splitlines()) == 1
    assert repr(Entry.decode(line)) == repr(entry)


def test_non_finite_values_are_kept() -> None:
    entry = Entry("epoch", 1.0, 0, {"a": math.nan, "b": -math.inf})
    assert same_metrics(Entry.decode(entry.encode()).metrics, entry.metrics)


def test_every_changed_bit_is_detected() -> None:
    line = epoch(1).encode()
    for index, bit in itertools.product(range(len(line)), range(7)):
        changed = line[:index] + chr(ord(line[index]) ^ 1 << bit) + line[index + 1 :]
        with pytest.raises(JournalError):
            Entry.decode(changed)


@pytest.mark.parametrize("length", [1, 9, 40, -1])
def test_an_incomplete_last_line_is_cut_off_and_written_again(tmp_path: Path, length: int) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path).append(epoch(0))
    with path.open("a") as stream:
        stream.write(epoch(1).encode()[:length])
    entries, end = read_entries(path)
    assert entries == [epoch(0)]
    assert end == len(epoch(0).encode())
    Journal(path).append(epoch(1))
    assert read_entries(path)[0] == [epoch(0), epoch(1)]


def test_lines_are_read_together_as_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    entries = [
        Entry("attempt", 1.0, None, {}, {}, {"host": "ü\u2028\n", "command": ["a", {"b": None}]}),
        *(epoch(number, **{"val/loss": value}) for number, value in enumerate((0.1, -math.inf))),
        Entry("test", 2.0, None, {"test/accuracy": 1 / 3}, {"seconds": 3}),
    ]
    lines = [entry.encode() for entry in entries]
    path.write_text("".join(lines), "utf-8")
    assert read_entries(path) == ([Entry.decode(line) for line in lines], path.stat().st_size)


@pytest.mark.parametrize(
    "text",
    [
        b"1",
        b'{"kind":"a","time":1.0},{"kind":"b","time":1.0}',
        b'{"kind":"a","time":[',
        b"\xff",
        b"",
    ],
)
def test_a_line_that_is_no_event_is_damaged_whatever_its_checksum(
    tmp_path: Path, text: bytes
) -> None:
    path = tmp_path / "journal.jsonl"
    line = b"%08x %s\n" % (zlib.crc32(text), text)
    path.write_bytes(epoch(0).encode().encode() + line + epoch(1).encode().encode())
    with pytest.raises(JournalError, match=f"at byte {len(epoch(0).encode())}"):
        read_entries(path)


def test_damage_before_the_last_line_is_an_error_with_its_offset(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for number in range(3):
        Journal(path).append(epoch(number))
    path.write_bytes(path.read_bytes().replace(b'"epoch":1', b'"epoch":7'))
    with pytest.raises(JournalError, match=f"at byte {len(epoch(0).encode())}"):
        Journal(path)


def test_reading_continues_at_an_offset(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert read_entries(path, 0) == ([], 0)
    journal = Journal(path)
    journal.append(epoch(0))
    _, offset = read_entries(path)
    assert read_entries(path, offset) == ([], offset)
    journal.append(epoch(1))
    assert read_entries(path, offset)[0] == [epoch(1)]


def test_a_retrained_epoch_is_not_written_twice_and_must_be_equal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append(epoch(0, **{"val/loss": math.nan}))
    size = journal.path.stat().st_size
    slower = Entry("epoch", 9.0, 0, epoch(0, **{"val/loss": math.nan}).metrics, {"seconds": 99.0})
    journal.append(slower)
    assert journal.path.stat().st_size == size
    with pytest.raises(JournalError, match="epoch 0 must repeat bit for bit"):
        journal.append(epoch(0, **{"val/loss": 0.1}))
    assert len(read_entries(journal.path)[0]) == 1


def test_events_without_an_epoch_may_repeat(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for _ in range(2):
        journal.append(Entry("attempt", 1.0))
    assert len(Journal(journal.path).entries) == 2


@pytest.mark.parametrize("is_finished", [False, True])
def test_a_journal_that_is_cut_in_its_last_200_bytes_counts_as_far_as_it_is_whole(
    lab: Lab, is_finished: bool
) -> None:
    """Every command reads what is left; nothing passes for finished; writing goes on from there."""
    run = begin(lab, epochs=3)
    if is_finished:
        finish(run)
    content, entries = run.journal.read_bytes(), run.entries()
    lengths = [len(entry.encode().encode()) for entry in entries]
    assert len(entries) > 2
    for end in range(len(content) - 200, len(content)):
        run.journal.write_bytes(content[:end])
        whole = sum(length <= end for length in itertools.accumulate(lengths))
        assert run.entries() == entries[:whole]
        record = read_record(lab, run.key)
        assert record.outcome == ("damaged" if is_finished else "stopped")
        assert len(record.epochs) == sum(e.kind == "epoch" for e in entries[:whole])
        assert lab.finished(run.key) is None
        assert (str(run.journal) in run.damage()) == is_finished
        assert run.can_resume()
        journal = Journal(run.journal)
        for entry in entries[whole:]:
            journal.append(entry)
        assert run.journal.read_bytes() == content
    assert run.status() == ("finished" if is_finished else "stopped")


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": {"val/loss": "<script>"}},
        {"metrics": {"val/loss": 10**400}},
        {"metrics": {"val/loss": None}},
        {"metrics": [1]},
        {"measured": {"time/epoch_seconds": {}}},
        {"time": "now"},
        {"epoch": "0"},
        {"kind": 3},
        {"note": "text"},
    ],
)
def test_a_line_with_a_valid_checksum_and_other_types_is_damaged(change: dict[str, Any]) -> None:
    text = json.dumps({"kind": "epoch", "time": 1.0, "epoch": 0, **change})
    with pytest.raises(JournalError, match="line must be an event"):
        Entry.decode(f"{zlib.crc32(text.encode()):08x} {text}\n")
