"""The journal: an append-only file of a run, one JSON line with a checksum per event."""

import json
import math
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablab.bounds import INTEGER
from ablab.tracking.files import DamagedError, naming, read_file


class JournalError(DamagedError):
    """A journal is damaged, or a repeated epoch has other metrics."""


@dataclass(frozen=True)
class Entry:
    """Stores one line of a journal.

    Attributes:
        kind: ``attempt`` (a process starts or resumes), ``epoch``, ``test``, ``diverged``,
            ``failed`` or ``stopped``.
        time: seconds since 1970.
        epoch: number of the epoch from 0; None for kinds without one.
        metrics: computed by the trial; bit-equal in every repetition.
        measured: times and memory, which differ between repetitions.
        note: further values (reason, host, versions).
    """

    kind: str
    time: float
    epoch: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> str:
        """Return the line: checksum, JSON, newline."""
        text = json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)
        return f"{zlib.crc32(text.encode()):08x} {text}\n"

    @classmethod
    def decode(cls, line: str) -> "Entry":
        """Return the entry of a line.

        Raises:
            JournalError: the line is incomplete or does not match its checksum.
        """
        checksum, _, text = line.rstrip("\n").partition(" ")
        if not line.endswith("\n") or checksum != f"{zlib.crc32(text.encode()):08x}":
            raise JournalError(f"line must match its checksum, got {line[:80]!r}")
        try:
            entry = cls(**json.loads(text))
            entry._check_types()
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise JournalError(f"line must be an event, got {line[:80]!r}") from error
        return entry

    def _check_types(self) -> None:
        """Raise `TypeError` if a value has another type: a checksum alone proves no author."""
        for value in (self.time, *self.metrics.values(), *self.measured.values()):
            # Most are floats: a call for each would take a third of the time to read a line.
            if type(value) is not float and not is_number(value):
                raise TypeError
        if not isinstance(self.kind, str) or not isinstance(self.note, dict):
            raise TypeError
        if not (self.epoch is None or isinstance(self.epoch, int)):
            raise TypeError


def is_number(value: object) -> bool:
    """Return whether a value of a record is a number: a float, or an integer of 64 bits."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) <= INTEGER.most)


def same_metrics(a: Mapping[str, float], b: Mapping[str, float]) -> bool:
    """Return whether two sets of metrics are bit-equal; NaN equals NaN."""
    return a.keys() == b.keys() and all(
        x == b[name] or (math.isnan(x) and math.isnan(b[name])) for name, x in a.items()
    )


def read_entries(path: Path, offset: int = 0) -> tuple[list[Entry], int]:
    """Return the entries from byte ``offset`` on, and the offset after the last complete one.

    An incomplete last line, left by a kill during the write, is ignored.

    Raises:
        JournalError: a line before the last is damaged; names the file and the byte.
    """
    lines = (read_file(path, offset) or b"").split(b"\n")
    lines = [*(line + b"\n" for line in lines[:-1]), *filter(None, lines[-1:])]
    entries: list[Entry] = []
    for number, line in enumerate(lines):
        try:
            entries.append(Entry.decode(line.decode("utf-8", "replace")))
        except JournalError as error:
            if number == len(lines) - 1:
                break
            raise JournalError(f"{path} at byte {offset}: {error}") from None
        offset += len(line)
    return entries, offset


def check_epochs(path: Path, entries: Iterable[Entry]) -> None:
    """Check that no epoch is missing from a journal.

    Raises:
        JournalError: an epoch is missing; names the file.
    """
    known: set[int | None] = set()
    for entry in entries:
        if entry.kind == "epoch" and entry.epoch not in known:
            if entry.epoch != len(known):
                raise JournalError(
                    f"{path} must hold every epoch, got none with number {len(known)}"
                )
            known.add(entry.epoch)


class Journal:
    """Appends to a journal, in the one process that holds the run's lock.

    Opening cuts off an incomplete last line.

    Raises:
        JournalError: it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries, end = read_entries(path)
        check_epochs(path, self.entries)
        if path.exists() and path.stat().st_size > end:
            os.truncate(path, end)

    def append(self, entry: Entry) -> None:
        """Write one line and wait until it is on the disk.

        An epoch that the journal has is not written again: its first line is kept.

        Raises:
            JournalError: the journal has the epoch with other metrics.
            OSError: the line cannot be written; the journal is unchanged.
        """
        earlier = self.epoch(entry.epoch) if entry.kind == "epoch" else None
        if earlier is not None:
            if not same_metrics(earlier.metrics, entry.metrics):
                raise JournalError(
                    f"epoch {entry.epoch} must repeat bit for bit, got {dict(entry.metrics)} "
                    f"where {self.path} holds {dict(earlier.metrics)}"
                )
            return
        with naming(self.path), self.path.open("ab", buffering=0) as stream:
            end = stream.seek(0, os.SEEK_END)
            line = memoryview(entry.encode().encode())
            try:
                while line:
                    line = line[stream.write(line) :]
                os.fsync(stream.fileno())
            except OSError:
                stream.truncate(end)  # the next line must not continue an incomplete one
                raise
        self.entries.append(entry)

    def epoch(self, number: int | None) -> Entry | None:
        """Return the line of an epoch, or None."""
        lines = (e for e in self.entries if e.kind == "epoch" and e.epoch == number)
        return next(lines, None)
