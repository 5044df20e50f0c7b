"""Deliveries: logs the runs of a command to MLflow in the background, from its own process."""

from collections.abc import Callable, Sequence

from ablab.errors import ResourceError, StoreError
from ablab.sweep.job import Job
from ablab.sweep.sharing import Sharing
from ablab.sweep.watcher import Watcher
from ablab.tracking.address import locate
from ablab.tracking.background_delivery import BackgroundDelivery
from ablab.tracking.completion import completion_sha
from ablab.tracking.delivery_state import deleted_runs
from ablab.tracking.lab import Lab
from ablab.tracking.ledger import Ledger
from ablab.tracking.plan import Plan
from ablab.tracking.run import Run
from ablab.tracking.store import Store, fault
from ablab.tracking.sweep_run import (
    TRIALS,
    deliver_sweep,
    delivered_runs,
    describe_cell,
    describe_trial,
    refresh_page,
)

PATIENCE = 30.0  # seconds that the end of a sweep waits for the store


class Deliveries(Watcher):
    """Logs every run of some trials that the store does not hold completely.

    Args:
        lab: with the runs.
        keys: of the trials.
        experiment: name of the experiment in MLflow.

    Raises:
        StoreError: the store's address cannot be used.
    """

    def __init__(self, lab: Lab, keys: Sequence[str], experiment: str = TRIALS) -> None:
        self._lab, self._keys, self._experiment = lab, keys, experiment
        self._store: Store | None = None
        self._delivery: BackgroundDelivery | None = None
        self._sharing: Sharing | None = None
        self._delivered: dict[str, str] = {}
        locate(lab.root)

    def query_store(self) -> list[str]:
        """Ask the store which runs it holds, and discard runs that the user deleted in MLflow.

        The lab's own store is not opened while the lab has no run of the trials.

        Returns:
            Notes for the user.
        """
        if locate(self._lab.root).is_own and not any(map(self._lab.runs, self._keys)):
            refusal = fault(self._lab)
            return [_training_continues(refusal)] if refusal else []
        try:
            self._store = Store.open(self._lab)
            self._delivered, deleted = delivered_runs(self._store, self._experiment)
        except (StoreError, ResourceError, OSError) as error:
            return [_training_continues(str(error))]
        runs = [run for key in self._keys for run in self._lab.runs(key)]
        recorded = deleted_runs(runs, self._store.label, self._experiment)
        deleted |= recorded - self._delivered.keys()
        discarded = [run for name in sorted(deleted) if (run := self._idle_run(name)) is not None]
        for run in discarded:
            run.discard("its run was deleted in MLflow")
        note = f"{len(discarded)} trials whose runs were deleted in MLflow are trained again."
        return [*self._store.notices, *([note] if discarded else [])]

    def _idle_run(self, name: str) -> Run | None:
        """Return the run of a name ``key/number``, or None if it is discarded or being trained."""
        key, _, number = name.partition("/")
        runs = (run for run in self._lab.runs(key) if run.number == number and not run.is_locked())
        return next(runs, None)

    def share(self, is_finished: Callable[[Run], bool]) -> Callable[[Job], bool]:
        """Share the trials with other labs that use the same store.

        Args:
            is_finished: returns whether a finished run counts.

        Returns:
            Whether a job may be trained here now, always true where the store is the lab's own.
        """
        if self._store is None or self._store.address.is_own:
            return lambda _job: True
        self._sharing = Sharing(Ledger(self._store), self._lab, is_finished)
        return self._sharing.may_start

    def begin(self, jobs: Sequence[Job]) -> None:
        """Start the background delivery, with the finished jobs."""
        self._delivery = BackgroundDelivery(
            self._open, finish=self._refresh, complete=self._complete
        )
        for job in jobs:
            if not job.is_open:
                self._submit(job)

    def _open(self) -> Store:
        return self._store or Store.open(self._lab)

    def _complete(self, _store: Store, run: Run, run_id: str) -> None:
        if self._sharing is not None:
            self._sharing.delivered(run, self._experiment, run_id)

    def _refresh(self, store: Store) -> None:
        """Update what the store shows beside the runs, once all are delivered."""

    def _describe(self, job: Job) -> tuple[str, dict[str, str]]:
        """Return the name and the tags of a job's MLflow run."""
        return describe_trial(job.trial)

    def _submit(self, job: Job) -> None:
        run = job.run
        if self._delivery is None or run is None or self._is_delivered(job):
            return
        name, tags = self._describe(job)
        self._delivery.submit(run, self._experiment, name=name, tags=tags)

    def _is_delivered(self, job: Job) -> bool:
        """Return whether the store held the job's completion record when it was queried."""
        run = job.run
        if run is None or job.completion is None:
            return False
        stored = self._delivered.get(f"{run.key}/{run.number}")
        return stored is not None and stored == completion_sha(run.folder)

    def started(self, job: Job) -> None:
        """Follow the run from now on."""
        self._submit(job)

    def ended(self, job: Job) -> None:
        """Deliver the final state of the run."""
        if self._sharing is not None:
            self._sharing.ended(job)
        self._submit(job)

    def close(self, on_wait: Callable[[], None] = lambda: None) -> list[str]:
        """Deliver the rest and return notes for the user.

        Args:
            on_wait: called if that takes longer than a user expects.
        """
        if self._delivery is None:
            return []
        missing = self._delivery.close(PATIENCE, on_wait)
        notes = [note for note in self._delivery.notices if self._store is None]
        if self._sharing is not None:
            notes += self._sharing.close()
        if missing:
            names = ", ".join(f"{m.run.key}/{m.run.number}" for m in missing[:3])
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            notes.append(
                f"Not in MLflow yet: {names}{more} ({missing[0].reason}). ablab sync delivers them."
            )
        return notes


class SweepDeliveries(Deliveries):
    """Logs the runs of a sweep to its own experiment, which has a parent run with the question.

    Args:
        lab: with the runs.
        plan: the sweep, whose name is that of the experiment.
    """

    def __init__(self, lab: Lab, plan: Plan) -> None:
        super().__init__(lab, [cell.key for cell in plan.all_cells], plan.sweep)
        self.plan = plan

    def _open(self) -> Store:
        store = super()._open()
        deliver_sweep(store, self.plan)
        self._refresh(store)
        return store

    def _refresh(self, store: Store) -> None:
        refresh_page(store, self.plan)

    def _describe(self, job: Job) -> tuple[str, dict[str, str]]:
        return describe_cell(self.plan, job.cell)


def _training_continues(error: str) -> str:
    return f"{error}. Training continues; ablab sync delivers later."
