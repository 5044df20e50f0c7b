"""The tuner: asks each search for values, has them trained, and records what came of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ablab.faults import ConfigError
from ablab.sweep.job import OPEN, Job
from ablab.sweep.tune import bayes
from ablab.sweep.tune.cells import SearchCell
from ablab.sweep.tune.samplers import (
    grid_values,
    one_at_a_time_values,
    random_values,
    starts_key,
)
from ablab.sweep.watcher import Watcher
from ablab.tracking.lab import Lab
from ablab.tracking.plan import TuningCell
from ablab.tracking.search import Asked, SearchJournal, SearchRecord

_WARMUP = 1 / 3  # of a trial's epochs, in which the median prunes none
_MOST_FAILED = 3  # first trials of a search that may all fail before it stops


@dataclass
class _Running:
    """A search with its record."""

    cell: SearchCell
    record: SearchRecord

    @property
    def open(self) -> list[Asked]:
        """The trials that have not ended."""
        return [each for each in self.record.asked if not each.state]

    def known(self, number: int) -> list[Asked]:
        """Return the trials that a trial is judged by: those of earlier rounds."""
        start = number - number % self.cell.search.at_once
        return [each for each in self.record.told if each.number < start]

    def next_values(self) -> dict[str, Any] | None:
        """Return the values to ask next; None at the end, or until a round has ended."""
        cell, search, record = self.cell, self.cell.search, self.record
        number, seed = len(record.asked), f"{record.id}/{len(record.asked)}"
        is_axis_search = search.method == "one_at_a_time"
        is_first = not number % search.at_once or (
            is_axis_search and starts_key(cell.space, number)
        )
        if number >= search.trials or (is_first and self.open):
            return None
        if search.method == "grid":
            return grid_values(cell.space, number)
        if not number and not is_axis_search and cell.has_base:
            return dict(cell.base)
        if search.method == "random":
            return random_values(cell.space, seed)
        if is_axis_search:
            return one_at_a_time_values(cell.space, cell.base, record.told, number, cell.direction)
        known = self.known(number)
        beside = [
            replace(a, state="", curve=[]) for a in record.asked[number - number % search.at_once :]
        ]
        return bayes.tpe_values(
            cell.space, known, beside, seed=seed, trials=search.trials, goal=cell.goal
        )

    def pruned_after(self, asked: Asked, curve: Sequence[float]) -> int | None:
        """Return the epochs after which a trial is pruned, or None."""
        search, known = self.cell.search, self.known(asked.number)
        if search.pruning == "none" or not curve:
            return None
        epochs = int(asked.trials[0]["config"]["trainer"]["max_epochs"])
        return bayes.first_pruned(
            self.cell.space,
            known,
            curve,
            pruning=search.pruning,
            goal=self.cell.goal,
            warmup=math.ceil(_WARMUP * epochs),
        )


class Tuner(Watcher):
    """Feeds a schedule with the trials of searches, and records what came of them.

    Args:
        lab: with the runs.
        journal: record of the searches.
        cells: the searches, each with its own budget.
        jobs: of the schedule; new ones are appended.

    Attributes:
        hopeless: why a search was given up, one sentence each.
    """

    def __init__(
        self, lab: Lab, journal: SearchJournal, cells: Sequence[SearchCell], jobs: list[Job]
    ) -> None:
        self._lab, self._journal, self._jobs = lab, journal, jobs
        self._searches = [_Running(cell, journal.begin(cell.record())) for cell in cells]
        self._of_job: dict[int, tuple[_Running, Asked, list[Job]]] = {}
        self._is_stopping = False
        self.hopeless: list[str] = []

    def begin(self) -> None:
        """Append the jobs of trials that were asked and not told, then those of new ones."""
        for search in self._searches:
            _forget_failures(search.record)
            for asked in search.open:
                self._submit(search, asked)
            self._advance(search)

    @property
    def num_later(self) -> int:
        """The number of trials that the searches have still to ask for, seeds included."""
        cells = [(search.cell.search, len(search.record.asked)) for search in self._searches]
        return sum((search.trials - asked) * len(search.seeds) for search, asked in cells)

    def should_prune(self, job: Job) -> bool:
        """Return whether a running job is to be stopped, by what its journal holds so far."""
        search, asked, _ = self._of_job[id(job)]
        return search.pruned_after(asked, _curve(job, search.cell.judged_by)) is not None

    def stopping(self, at_once: bool) -> None:
        """Ask for no further trial."""
        self._is_stopping = True

    def ended(self, job: Job) -> None:
        """Record what came of the job's trial once all its seeds have ended, and ask for more."""
        if job.state == "stopped":
            self._is_stopping = True
            return
        search, asked, jobs = self._of_job[id(job)]
        if all(each.state not in (*OPEN, "stopped") for each in jobs):
            self._tell(search, asked, jobs)
            self._advance(search)

    def _advance(self, search: _Running) -> None:
        """Ask a search for its next trials until its round is full."""
        while not self._is_stopping and not self._is_hopeless(search):
            if (values := search.next_values()) is None:
                return
            number, record = len(search.record.asked), search.record
            try:
                trials: list[Mapping[str, Any]] = [
                    trial.as_dict() for trial in search.cell.tuning_trials(values)
                ]
            except ConfigError as error:  # values that are valid alone need not be together
                self._journal.ask(record.id, number, values, [])
                reason = "; ".join(error.faults)
                self._journal.tell(record.id, number, state="failed", reason=reason)
                continue
            self._journal.ask(record.id, number, values, trials)
            self._submit(search, record.asked[number])

    def _submit(self, search: _Running, asked: Asked) -> None:
        """Append the jobs of a trial; one whose journal says that it is pruned is told at once."""
        record, jobs = search.record, []
        for trial in asked.trials:
            seed, key = int(trial["config"]["seed"]), str(trial["key"])
            cell = TuningCell(record.variant, seed, record.block, key, record.id, asked.number)
            jobs.append(Job(cell, trial))
        for job in jobs:
            self._of_job[id(job)] = (search, asked, jobs)
        self._jobs += jobs
        if search.cell.search.pruning != "none" and (runs := self._lab.runs(jobs[0].cell.key)):
            jobs[0].run = runs[-1]
            jobs[0].read_journal()
            if self.should_prune(jobs[0]):
                jobs[0].state = "pruned"
                self._tell(search, asked, jobs)

    def _tell(self, search: _Running, asked: Asked, jobs: Sequence[Job]) -> None:
        for job in jobs:
            job.read_journal()
        curve = _curve(jobs[0], search.cell.judged_by)
        pruned = search.pruned_after(asked, curve)
        if pruned is None:
            result = _result(jobs, search.cell.judged_by) | {"curve": curve}
        else:
            reason = f"pruned after {pruned} epochs"
            result = {"state": "pruned", "curve": curve[:pruned], "reason": reason}
        self._journal.tell(search.record.id, asked.number, **result)

    def _is_hopeless(self, search: _Running) -> bool:
        """Return whether nothing but failures came of a search, and give it up if so."""
        told, budget = search.record.told, search.cell.search.trials
        is_early = len(told) < min(_MOST_FAILED, budget)
        if is_early or any(each.state != "failed" for each in told):
            return False
        self.hopeless.append(
            f"The search for {search.record.variant} in {search.record.block} was given up: "
            f"{len(told)} of {len(told)} trials failed ({told[-1].reason})."
        )
        return True


def _forget_failures(record: SearchRecord) -> None:
    """Open the trials of a search again from which nothing but failures came."""
    if all(each.state == "failed" for each in record.told):
        for asked in record.told:
            asked.state = "" if asked.trials else asked.state


def _curve(job: Job, metric: str) -> list[float]:
    """Return a metric after each epoch in the journal; an epoch's first line counts."""
    epochs: dict[int | None, float] = {}
    for entry in job.epochs:
        epochs.setdefault(entry.epoch, entry.metrics.get(metric, math.nan))
    return list(epochs.values())


def _result(jobs: Sequence[Job], metric: str) -> dict[str, Any]:
    """Return the state of a trial from those of its seeds, with the mean of the metric."""
    for state in ("failed", "diverged", "pruned"):
        if job := next((each for each in jobs if each.state == state), None):
            return {"state": state, "reason": job.reason}
    completions = [job.run.completion for job in jobs if job.run is not None]
    values = [c.metrics.get(metric, math.nan) for c in completions if c is not None]
    value = math.fsum(values) / len(values) if values else math.nan
    if not math.isfinite(value):
        return {"state": "failed", "reason": f"its record lacks {metric}"}
    return {"state": "finished", "value": value}
