"""The record of a sweep's searches: an append-only journal beside its plan.

Each variant × block has a search of its own, named by an id. A line is one of

    search    begins it: variant, block, method, budget, space
    ask       the values of a trial and its resolved configurations, one per tuning seed
    tell      what came of it
    chosen    ends it: the number of the best trial, importances of the searched keys
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ablab.folders import is_file_name
from ablab.tracking.files import DamagedError
from ablab.tracking.journal import Entry, Journal, JournalError, read_entries
from ablab.tracking.tuning import check_chosen, check_definition

SEARCH = "search.jsonl"
STATES = ("finished", "diverged", "pruned", "failed")


@dataclass
class Asked:
    """Stores one trial of a search: its values, and what came of it.

    Attributes:
        number: from 0, in the order in which they were asked.
        values: dotted key to value.
        trials: the resolved trials, one per tuning seed.
        state: ``finished``, ``diverged``, ``pruned`` or ``failed``; empty while it is open.
        value: the figure that the search maximizes or minimizes, mean over seeds, if it has one.
        curve: the figure after each epoch that counts, of the first seed.
        reason: why it failed or was pruned.
    """

    number: int
    values: Mapping[str, Any]
    trials: list[Mapping[str, Any]]
    state: str = ""
    value: float | None = None
    curve: list[float] = field(default_factory=list)
    reason: str = ""


@dataclass
class SearchRecord:
    """Stores the search of one variant in one block.

    Attributes:
        id: hash of everything that defines it.
        variant: its name.
        block: its name.
        definition: ``method``, ``trials``, ``epochs``, ``seeds``, ``space``, ``metric``, ``goal``,
            and further options.
        asked: its trials so far.
        chosen: ``number``, ``values``, ``value``, ``edges`` and ``importance``; None until its end.
    """

    id: str
    variant: str
    block: str
    definition: Mapping[str, Any]
    asked: list[Asked] = field(default_factory=list)
    chosen: Mapping[str, Any] | None = None

    @property
    def num_trials(self) -> int:
        """The budget: number of trials in the end."""
        return int(self.definition["trials"])

    @property
    def told(self) -> list[Asked]:
        """The trials that have ended."""
        return [each for each in self.asked if each.state]


def read_searches(folder: Path) -> dict[str, SearchRecord]:
    """Return the searches in a sweep's folder by id, in the order in which they began.

    Raises:
        DamagedError: the record was changed since it was written; names the file and the remedy.
    """
    try:
        return _searches(folder / SEARCH, read_entries(folder / SEARCH)[0])
    except JournalError as error:
        raise _damaged(error) from error


class SearchJournal:
    """Appends to the record of a sweep's searches, in the one process that holds its lock.

    Attributes:
        searches: by id, up to date with what was appended.

    Raises:
        DamagedError: the record was changed since it was written.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._journal = Journal(folder / SEARCH)
            self.searches = _searches(self._journal.path, self._journal.entries)
        except JournalError as error:
            raise _damaged(error) from error

    def begin(self, record: SearchRecord) -> SearchRecord:
        """Return the search of this id, begun now unless it was before."""
        if record.id not in self.searches:
            own = {"variant": record.variant, "block": record.block}
            self._append("search", record.id, own | {"definition": record.definition})
        return self.searches[record.id]

    def ask(self, search: str, number: int, values: Any, trials: list[Mapping[str, Any]]) -> None:
        """Record the values of a trial before it starts."""
        self._append("ask", search, {"number": number, "values": values, "trials": trials})

    def tell(self, search: str, number: int, **result: Any) -> None:
        """Record what came of a trial: ``state``, ``value``, ``curve``, ``reason``."""
        self._append("tell", search, {"number": number, **result})

    def choose(self, search: str, chosen: Mapping[str, Any]) -> None:
        """Record the end of a search."""
        self._append("chosen", search, {"chosen": chosen})

    def _append(self, kind: str, search: str, note: Mapping[str, Any]) -> None:
        plain = json.loads(json.dumps({"search": search, **note}))  # equal before and after reading
        entry = Entry(kind, time.time(), note=plain)
        self._journal.append(entry)
        _apply(self.searches, entry)


def _searches(path: Path, entries: list[Entry]) -> dict[str, SearchRecord]:
    searches: dict[str, SearchRecord] = {}
    for entry in entries:
        try:
            _apply(searches, entry)
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise JournalError(f"{path} must be the record of a search, got other lines") from error
    return searches


def _apply(searches: dict[str, SearchRecord], entry: Entry) -> None:
    """Bring the searches up to date with one line."""
    note = dict(entry.note)
    search = note.pop("search")
    if entry.kind == "search":
        check_definition(note["definition"])
        searches[search] = SearchRecord(search, **note)
    elif entry.kind == "ask":
        asked = Asked(**note)
        _check_trials(asked, searches[search])
        searches[search].asked.append(asked)
    elif entry.kind == "tell":
        asked = searches[search].asked[note.pop("number")]
        told = replace(asked, **note)
        _check_told(told)
        vars(asked).update(vars(told))
    elif entry.kind == "chosen":
        check_chosen(note["chosen"])
        searches[search].chosen = note["chosen"]


def _check_trials(asked: Asked, record: SearchRecord) -> None:
    """Raise `TypeError` if a trial has another type or number: a checksum proves no author."""
    if asked.number != len(record.asked) or not isinstance(asked.values, dict):
        raise TypeError
    for trial in asked.trials:
        if not is_file_name(trial["key"]) or not isinstance(trial["config"]["seed"], int):
            raise TypeError


def _check_told(asked: Asked) -> None:
    """Raise `TypeError` if what came of a trial has another type."""
    numbers = [*asked.curve, *([] if asked.value is None else [asked.value])]
    if not all(isinstance(number, int | float) for number in numbers):
        raise TypeError
    if asked.state not in STATES or not isinstance(asked.reason, str):
        raise TypeError


def _damaged(error: JournalError) -> DamagedError:
    return DamagedError(
        f"{error}; move it away, and the same `ablab sweep` command searches again: finished "
        "trials stay finished"
    )
