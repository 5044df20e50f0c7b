"""Deliveries: logs the runs of a command to MLflow in the background."""

from collections.abc import Callable, Sequence

from ablab.errors import ResourceError, StoreError
from ablab.sweep.job import Job
from ablab.sweep.sharing import Sharing
from ablab.sweep.watcher import Watcher
from ablab.tracking.address import locate
from ablab.tracking.background_delivery import BackgroundDelivery, Submitted
from ablab.tracking.completion import completion_sha
from ablab.tracking.delivery_state import OWN_STORE, deleted_runs
from ablab.tracking.lab import Lab
from ablab.tracking.ledger import Ledger
from ablab.tracking.plan import Plan
from ablab.tracking.run import Run
from ablab.tracking.store import Store, fault, prepare
from ablab.tracking.sweep_run import TRIALS, delivered_runs, describe_cell, describe_trial

PATIENCE = 30.0  # seconds without progress after which the end of a sweep leaves the rest


class Deliveries(Watcher):
    """Logs every run of some trials that the store does not hold completely.

    Args:
        lab: with the runs.
        keys: of the trials.
        experiment: name of the experiment in MLflow.
        delivery: its background delivery, if that was started already.

    Raises:
        StoreError: the store's address cannot be used.
    """

    def __init__(
        self,
        lab: Lab,
        keys: Sequence[str],
        experiment: str = TRIALS,
        delivery: BackgroundDelivery | None = None,
    ) -> None:
        self._lab, self._keys, self._experiment = lab, keys, experiment
        self._store: Store | None = None
        self._delivery = delivery
        if delivery is not None:
            delivery.complete = self._complete
        self._sharing: Sharing | None = None
        self._delivered: dict[str, str] = {}
        self._shown: list[str] = []
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
            address, label = locate(self._lab.root), OWN_STORE
            if address.is_own:  # MLflow is not needed for what SQLite can tell
                notices = prepare(self._lab)
            else:
                self._store = Store.open(self._lab)
                notices, label = self._store.notices, self._store.label
            self._delivered, deleted = delivered_runs(address, self._experiment, self._store)
        except (StoreError, ResourceError, OSError) as error:
            return [_training_continues(str(error))]
        runs = [run for key in self._keys for run in self._lab.runs(key)]
        recorded = deleted_runs(runs, label, self._experiment)
        deleted |= recorded - self._delivered.keys()
        discarded = [run for name in sorted(deleted) if (run := self._idle_run(name)) is not None]
        for run in discarded:
            run.discard("its run was deleted in MLflow")
        note = f"{len(discarded)} trials whose runs were deleted in MLflow are trained again."
        self._shown += notices
        return [*notices, *([note] if discarded else [])]

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
        if self._store is None:
            return lambda _job: True
        self._sharing = Sharing(Ledger(self._store), self._lab, is_finished)
        return self._sharing.may_start

    def begin(self, jobs: Sequence[Job]) -> None:
        """Start the background delivery, with the finished jobs, if there is anything to do."""
        if any(job.is_open for job in jobs):
            self._start()
        for job in jobs:
            if not job.is_open:
                self._submit(job)

    def _start(self) -> BackgroundDelivery:
        if self._delivery is None:
            self._delivery = BackgroundDelivery(
                self._lab, "" if self._experiment == TRIALS else self._experiment, self._complete
            )
        return self._delivery

    def _complete(self, run: Run, run_id: str) -> None:
        if self._sharing is not None:
            self._sharing.delivered(run, self._experiment, run_id)

    def _describe(self, job: Job) -> tuple[str, dict[str, str]]:
        """Return the name and the tags of a job's MLflow run."""
        return describe_trial(job.trial)

    def _submit(self, job: Job) -> None:
        run = job.run
        if run is None or self._is_delivered(job):
            return
        name, tags = self._describe(job)
        self._start().submit(run, self._experiment, name=name, tags=tags)

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
        missing, notes = list[Submitted](), list[str]()
        if self._delivery is not None:
            missing = self._delivery.close(PATIENCE, on_wait)
            notes += [note for note in self._delivery.notices if note not in self._shown]
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
        delivery: its background delivery, if that was started already.
    """

    def __init__(self, lab: Lab, plan: Plan, delivery: BackgroundDelivery | None = None) -> None:
        super().__init__(lab, [cell.key for cell in plan.all_cells], plan.sweep, delivery)
        self.plan = plan

    def _describe(self, job: Job) -> tuple[str, dict[str, str]]:
        return describe_cell(self.plan, job.cell)


def _training_continues(error: str) -> str:
    return f"{error}. Training continues; ablab sync delivers later."
