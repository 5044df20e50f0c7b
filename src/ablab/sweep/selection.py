"""The part of a plan that one command trains; the plan itself stays whole."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablab.faults import ConfigError, unknown_name
from ablab.sweep.job import Job
from ablab.text import format_count, format_name, format_value
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Plan

KEYS = ("variant", "block", "seed")
_SHARD = re.compile(r"([1-9]\d*)/([1-9]\d*)")


@dataclass(frozen=True)
class Selection:
    """Which of a plan's trials a command trains.

    Attributes:
        only: names of variants, blocks or seeds, by ``variant``, ``block`` or ``seed``. Each name
            may be several, separated by commas.
        shard: which shard of how many, as (1, 3).
        max_trials: the largest number of trials to train, or None.
        retry_failed: whether only trials that failed are trained.
    """

    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    shard: tuple[int, int] = (1, 1)
    max_trials: int | None = None
    retry_failed: bool = False

    def __bool__(self) -> bool:
        """Whether trials may be left out."""
        return self != Selection()

    def check(self, plan: Plan) -> None:
        """Check that the plan has the variants, blocks and seeds.

        Raises:
            ConfigError: all names that it does not have.
        """
        faults = []
        for key, texts in self.only.items():
            known = {str(getattr(cell, key)) for cell in plan.cells}
            names = [name for text in texts for name in _names(text, known)]
            faults += [unknown_name(f"--only {key}", known, n) for n in names if n not in known]
        if faults:
            raise ConfigError(faults)

    def cells(self, plan: Plan) -> list[Cell]:
        """Return the plan's cells that ``only`` and ``shard`` leave.

        Each part of the plan is split by itself, so that a cell stays in its shard when the plan
        is extended. A shard is a run of neighbors, seed by seed: most pairs of a comparison are
        trained on one machine.
        """
        wanted = {key: self._wanted(plan, key) for key in self.only}
        index, count = self.shard
        cells = {
            cell.id: cell
            for part in plan.parts
            for position, cell in enumerate(part.cells)
            if position * count // len(part.cells) == index - 1
        }
        return [
            cell
            for cell in cells.values()
            if all(str(getattr(cell, key)) in names for key, names in wanted.items())
        ]

    def _wanted(self, plan: Plan, key: str) -> set[str]:
        known = {str(getattr(cell, key)) for cell in plan.cells}
        return {name for text in self.only[key] for name in _names(text, known)}

    def jobs(self, jobs: Sequence[Job], states: Mapping[str, str]) -> list[Job]:
        """Return the jobs without the open ones that ``max_trials`` and ``retry_failed`` leave out.

        Args:
            jobs: in the order in which they are started.
            states: state on disk of each open job, by key. Running trials do not count towards
                ``max_trials``: another process trains them.
        """
        chosen = [job for job in jobs if job.is_open]
        if self.retry_failed:
            chosen = [job for job in chosen if states[job.cell.key] == "failed"]
        if self.max_trials is not None:
            idle = [job for job in chosen if states[job.cell.key] != "running"]
            chosen = idle[: self.max_trials]
        keys = {job.cell.key for job in chosen}
        return [job for job in jobs if not job.is_open or job.cell.key in keys]

    def notes(self, jobs: Sequence[Job], plan: Plan) -> list[str]:
        """Return how much of the plan the command trains, for the user."""
        if not self:
            return []
        count, total = sum(job.is_open for job in jobs), format_count(len(plan.cells), "trial")
        notes = [f"This command trains {count} of the plan's {total}; the plan stays whole."]
        if self.retry_failed and not count:
            notes.append("No selected trial has failed.")
        return notes

    def num_left(self, lab: Lab, plan: Plan, jobs: Sequence[Job]) -> int:
        """Return how many trials of the plan that are not among the jobs have no result."""
        keys = {cell.key for cell in plan.cells} - {job.cell.key for job in jobs}
        return sum(lab.finished(key) is None for key in keys)


def parse_selection(
    only: Iterable[str] = (),
    shard: Any = None,
    max_trials: Any = None,
    *,
    retry_failed: bool = False,
) -> Selection:
    """Return the selection of a command's options.

    Args:
        only: texts ``variant=relu,tanh``. Of one key they add up, of several keys all must hold.
        shard: text ``1/3``.
        max_trials: an integer > 0, or None.
        retry_failed: whether only trials that failed are trained.

    Raises:
        ConfigError: all faults at once.
    """
    faults: list[str] = []
    chosen: dict[str, list[str]] = {}
    for text in only:
        key, _, names = text.partition("=")
        if key not in KEYS or not names:
            rule = "variant=NAME, block=NAME or seed=NUMBER"
            faults.append(f"--only must be {rule}, got {format_value(text)}")
        chosen.setdefault(key, []).append(names)
    found = _SHARD.fullmatch("1/1" if shard is None else str(shard))
    index, count = map(int, found.groups()) if found else (1, 0)
    if index > count:
        faults.append(f"--shard must be I/N with 1 <= I <= N, got {format_name(shard)}")
    if max_trials is not None and not (isinstance(max_trials, int) and max_trials > 0):
        faults.append(f"--max-trials must be an integer > 0, got {format_value(max_trials)}")
    if faults:
        raise ConfigError(faults)
    return Selection(chosen, (index, count), max_trials, retry_failed)


def _names(text: str, known: Iterable[str]) -> list[str]:
    """Return the names in a text; the name of a variant or block may hold a comma itself."""
    return [text] if text in set(known) else [name.strip() for name in text.split(",")]
