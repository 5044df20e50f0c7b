"""The record of searches: appended line by line, read back as it was."""

from pathlib import Path

import pytest

from ablab.tracking.files import DamagedError
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.search import SEARCH, SearchJournal, SearchRecord, read_searches

HOW = {"method": "grid", "trials": 2, "epochs": None, "seeds": [9000], "pruning": "none"}
HOW |= {"metric": "val/accuracy", "goal": "max"}
CHOSEN = {"number": 0, "values": {"optimizer.lr": 0.1}, "value": 0.9, "edges": []}
CHOSEN |= {"importance": {}}
RECORD = SearchRecord("a1", "relu", "b", HOW)


def fill(folder: Path) -> SearchJournal:
    journal = SearchJournal(folder)
    journal.begin(RECORD)
    journal.ask("a1", 0, {"optimizer.lr": 0.1}, [{"key": "k0", "config": {"seed": 9000}}])
    journal.tell("a1", 0, state="finished", value=0.9, curve=[0.8, 0.9])
    journal.ask("a1", 1, {"optimizer.lr": 0.2}, [{"key": "k1", "config": {"seed": 9000}}])
    return journal


def test_record_is_read_as_it_was_written(tmp_path: Path):
    journal = fill(tmp_path)
    read = read_searches(tmp_path)
    assert read == journal.searches == SearchJournal(tmp_path).searches
    record = read["a1"]
    assert [each.number for each in record.told] == [0]
    assert (record.asked[0].value, record.asked[0].curve) == (0.9, [0.8, 0.9])
    assert record.chosen is None


def test_search_begins_once(tmp_path: Path):
    fill(tmp_path).begin(RECORD)
    assert len((tmp_path / SEARCH).read_text().splitlines()) == 4


def test_line_cut_off_by_a_kill_is_ignored_and_overwritten(tmp_path: Path):
    fill(tmp_path)
    path = tmp_path / SEARCH
    path.write_bytes(path.read_bytes()[:-10])
    assert len(read_searches(tmp_path)["a1"].asked) == 1
    journal = SearchJournal(tmp_path)
    journal.choose("a1", CHOSEN)
    assert read_searches(tmp_path)["a1"].chosen == CHOSEN


def test_changed_line_is_named_with_the_remedy(tmp_path: Path):
    fill(tmp_path)
    path = tmp_path / SEARCH
    path.write_text(path.read_text().replace("0.9", "0.8", 1))
    for read in (read_searches, SearchJournal):
        with pytest.raises(DamagedError, match=r"search\.jsonl.*searches again"):
            read(tmp_path)


def test_lines_of_another_kind_of_record_are_refused(tmp_path: Path):
    journal = fill(tmp_path)
    with pytest.raises(KeyError):
        journal.tell("other", 0, state="finished")
    with pytest.raises(DamagedError, match="must be the record of a search"):
        read_searches(tmp_path)


HOSTILE = {
    "budget": ("search", {"variant": "v", "block": "b", "definition": HOW | {"trials": "many"}}),
    "definition": ("search", {"variant": "v", "block": "b", "definition": 3}),
    "seeds": ("search", {"variant": "v", "block": "b", "definition": HOW | {"seeds": []}}),
    "number": ("ask", {"number": 7, "values": {}, "trials": []}),
    "key": ("ask", {"number": 2, "values": {}, "trials": [{"key": "../x", "config": {"seed": 1}}]}),
    "seed": ("ask", {"number": 2, "values": {}, "trials": [{"key": "x", "config": {}}]}),
    "value": ("tell", {"number": 1, "state": "finished", "value": "high"}),
    "state": ("tell", {"number": 1, "state": "<b>"}),
    "trial": ("tell", {"number": 9, "state": "failed"}),
    "chosen": ("chosen", {"chosen": CHOSEN | {"values": 3}}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_lines_with_a_valid_checksum_are_checked(tmp_path: Path, name: str):
    fill(tmp_path)
    kind, note = HOSTILE[name]
    Journal(tmp_path / SEARCH).append(Entry(kind, 1.0, note={"search": "a1", **note}))
    with pytest.raises(DamagedError, match="must be the record of a search"):
        read_searches(tmp_path)


def test_folder_without_a_search_has_none(tmp_path: Path):
    assert read_searches(tmp_path) == {}
