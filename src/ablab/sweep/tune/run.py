"""Runs or resumes the searches of one command, before its comparison or in place of one."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from filelock import FileLock, Timeout
from rich.console import Console

from ablab.disk import require_space
from ablab.errors import FAILED, FINISHED, InputError
from ablab.sweep.console.live import Display
from ablab.sweep.console.summary import print_line
from ablab.sweep.console.tuning import print_search_end, print_search_start, print_winners
from ablab.sweep.deliveries import SweepDeliveries
from ablab.sweep.forecast import Forecast, forecast
from ablab.sweep.job import Job
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.planning import Draft
from ablab.sweep.trials import Trials
from ablab.sweep.tune.tuner import Tuner
from ablab.sweep.tune.winners import STUDY, choose, freeze, write_studies
from ablab.sweep.watcher import Watcher
from ablab.tracking.lab import Lab
from ablab.tracking.plan import TUNING, Cell, Part, Plan, read_plan, write_part
from ablab.tracking.search import SearchJournal, SearchRecord, read_searches
from ablab.tracking.spec import read_spec

TUNE_FIRST = (
    "a part of a sweep must be chosen once its search is done, got one to be done: run the sweep "
    "without --only, --shard, --max-trials and --retry-failed first"
)


@dataclass(kw_only=True)
class TuningTrials(Trials):
    """The trials of searches, which are asked for while others run.

    Attributes:
        tuner: asks for them.
    """

    tuner: Tuner

    @property
    def total(self) -> int:
        """Number of jobs in the end."""
        return len(self.jobs) + self.tuner.num_later

    def should_prune(self, job: Job) -> bool:
        """Return whether a running job is to be stopped for good, by its journal."""
        return self.tuner.should_prune(job)

    def _watchers(self, stack: ExitStack) -> list[Watcher]:
        self.tuner.begin()
        return [*super()._watchers(stack), self.tuner]

    def _print_end(self, seconds: float, notes: Sequence[str]) -> None:
        print_search_end(self.console, self.jobs, seconds)
        for note in (*self.tuner.hopeless, *notes):
            print_line(self.console, note, "yellow")


@dataclass
class Searching:
    """The searches of a draft with everything that they need to run."""

    lab: Lab
    draft: Draft
    command: str
    launcher: Launcher
    console: Console
    display: Display | None = None
    offline: bool = False

    def forecast(self) -> Draft | int:
        """Print what the searches will cost; return the tuned draft where they are done already.

        Before, the draft is returned as it is: its trials have the configuration's own values.
        """
        searches = read_searches(self.lab.sweep_folder(self.draft.sweep))
        tuned = freeze(self.draft, self.draft.searches, searches)
        self._print_start(searches)
        if self.draft.searches[0].search.only:
            return FINISHED
        return tuned or self.draft

    @property
    def is_done(self) -> bool:
        """Whether every search has spent its budget, so that the comparison can be planned."""
        searches = read_searches(self.lab.sweep_folder(self.draft.sweep))
        records = [searches.get(cell.record().id) for cell in self.draft.searches]
        return all(record is not None and record.chosen is not None for record in records)

    def run(self) -> Draft | int:
        """Run the searches and return the draft with the winners' values, or the exit code.

        Raises:
            InputError: another process runs the searches of this sweep.
            ResourceError: the machine lacks something, such as disk space.
        """
        with self._journal() as journal:
            is_done = choose(self.draft.searches, journal)
            code = FINISHED if is_done else self._search(journal)
            if code == FINISHED:
                print_winners(self.console, self.draft.searches, journal.searches)
            if code != FINISHED or self.draft.searches[0].search.only:
                return code
            tuned = freeze(self.draft, self.draft.searches, journal.searches)
            assert tuned is not None  # each search has a winner
            return tuned

    @contextmanager
    def _journal(self) -> Iterator[SearchJournal]:
        """Hold the record of the searches, which has one writer."""
        folder = self.lab.sweep_folder(self.draft.sweep)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / ".search.lock", timeout=0):
                yield SearchJournal(folder)
        except Timeout:
            raise InputError(
                f"sweep {self.draft.sweep} must be tuned by one process at a time, got another one "
                "that tunes it now"
            ) from None

    def _search(self, journal: SearchJournal) -> int:
        """Train until every search has spent its budget, and return the exit code."""
        draft, jobs = self.draft, list[Job]()
        plan = self._write_plan()
        deliveries = self._deliveries(plan)
        notes = deliveries.query_store() if deliveries else []
        cost = self._print_start(journal.searches, notes)
        require_space(self.lab.root, cost.bytes + cost.temporary_bytes)
        trials = TuningTrials(
            name="tuning",
            metric=draft.searches[0].judged_by,
            next_command=self.command,
            lab=self.lab,
            jobs=jobs,
            runtime=draft.runtime,
            launcher=self.launcher,
            console=self.console,
            display=self.display,
            deliveries=deliveries,
            tuner=Tuner(self.lab, journal, draft.searches, jobs),
        )
        code = trials.run(cost)
        is_done = choose(draft.searches, journal)
        write_studies(self.lab.sweep_folder(draft.sweep) / STUDY, draft.searches, journal)
        if code not in (FINISHED, FAILED):
            return code
        return FINISHED if is_done else FAILED

    def _write_plan(self) -> Plan:
        """Write that the searches begin, unless the plan says so; return the plan."""
        folder = self.lab.sweep_folder(self.draft.sweep)
        spec = read_spec(json.loads(json.dumps(self.draft.spec.as_dict())))
        with FileLock(folder / ".lock"):
            plan = read_plan(folder)
            if plan is None or (plan.parts[-1].kind == TUNING and plan.spec != spec):
                part = Part(TUNING, time.time(), self.command, spec, (), {}, yaml=self.draft.yaml)
                write_part(folder, part)
                plan = read_plan(folder)
        assert plan is not None
        return plan

    def _deliveries(self, plan: Plan) -> SweepDeliveries | None:
        if self.offline or not self.draft.runtime["tracking"]["deliver"]:
            return None
        return SweepDeliveries(self.lab, plan)

    def _print_start(
        self, searches: dict[str, SearchRecord], notes: list[str] | None = None
    ) -> Forecast:
        jobs = self._open_jobs(searches)
        cost = forecast(jobs, self.launcher.slots, self.lab.root)
        print_search_start(self.console, self.draft, len(jobs), cost, notes or [])
        return cost

    def _open_jobs(self, searches: dict[str, SearchRecord]) -> list[Job]:
        """Return jobs that stand for the trials that are left, for the forecast alone."""
        jobs = []
        for cell in self.draft.searches:
            record = searches.get(cell.record().id)
            left = cell.search.trials - (len(record.told) if record else 0)
            for number in range(left * len(cell.search.seeds)):
                key = f"{cell.first.key}-{number}"
                own = Cell(cell.variant, cell.search.seeds[0], cell.block, key)
                jobs.append(Job(own, cell.first.as_dict()))
        return jobs
