"""A sweep's way into MLflow: its own process delivers for its trials, and none waits for it."""

from collections.abc import Callable, Sequence

from ablab.errors import ResourceError, StoreError
from ablab.sweep.job import Job
from ablab.tracking.address import locate
from ablab.tracking.background_delivery import BackgroundDelivery
from ablab.tracking.completion import completion_sha
from ablab.tracking.delivery_state import deleted_runs
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan
from ablab.tracking.run import Run
from ablab.tracking.store import Store, fault
from ablab.tracking.sweep_run import deliver_sweep, delivered_runs, describe_cell

PATIENCE = 30.0  # seconds that the end of a sweep waits for the store


class Deliveries:
    """Delivers every run of a sweep that the store does not hold whole.

    Args:
        lab: where the runs lie.
        plan: what is delivered, into the experiment of that name.

    Raises:
        StoreError: there can be no store at its address.
    """

    def __init__(self, lab: Lab, plan: Plan) -> None:
        self._lab, self._plan = lab, plan
        self._store: Store | None = None
        self._delivery: BackgroundDelivery | None = None
        self._delivered: dict[str, str] = {}
        locate(lab.root)

    def look(self) -> list[str]:
        """Ask the store what it holds, and discard runs whose runs the user deleted.

        Where the lab has no run of the plan yet, there is nothing to ask.

        Returns:
            What there is to say about it.
        """
        if not any(self._lab.runs(cell.key) for cell in self._plan.cells):
            found = fault(self._lab)
            return [f"{found}. Training goes on; ablab sync delivers later."] if found else []
        try:
            self._store = Store.open(self._lab)
            self._delivered, deleted = delivered_runs(self._store, self._plan.sweep)
        except (StoreError, ResourceError, OSError) as error:
            return [f"{error}. Training goes on; ablab sync delivers later."]
        runs = [run for cell in self._plan.cells for run in self._lab.runs(cell.key)]
        remembered = deleted_runs(runs, self._store.label, self._plan.sweep)
        deleted |= remembered - self._delivered.keys()
        gone = [run for name in sorted(deleted) if (run := self._idle(name)) is not None]
        for run in gone:
            run.discard("its run was deleted in MLflow")
        again = [f"{len(gone)} trials whose runs were deleted in MLflow are trained anew."]
        return [*self._store.notices, *(again if gone else [])]

    def _idle(self, name: str) -> Run | None:
        """Return a run that counts and that nobody trains at the moment, or None."""
        key, _, number = name.partition("/")
        runs = [run for run in self._lab.runs(key) if run.number == number]
        found = [run for run in runs if not run.is_locked()]
        return found[0] if found else None

    def begin(self, jobs: Sequence[Job]) -> None:
        """Start to deliver, with what was finished before; makes the sweep's parent run."""
        self._delivery = BackgroundDelivery(self._open)
        for job in jobs:
            if not job.is_open:
                self._submit(job)

    def _open(self) -> Store:
        store = self._store or Store.open(self._lab)
        deliver_sweep(store, self._plan)
        return store

    def _submit(self, job: Job) -> None:
        run = job.run
        if self._delivery is None or run is None or self._is_delivered(run):
            return
        name, tags = describe_cell(self._plan, job.cell)
        self._delivery.submit(run, self._plan.sweep, name=name, tags=tags)

    def _is_delivered(self, run: Run) -> bool:
        """Tell whether the store had this very end of a run when it was asked."""
        held = self._delivered.get(f"{run.key}/{run.number}")
        return (
            held is not None and run.completion is not None and held == completion_sha(run.folder)
        )

    def started(self, job: Job) -> None:
        """Follow the run from now on."""
        self._submit(job)

    def ended(self, job: Job) -> None:
        """Deliver the run's end."""
        self._submit(job)

    def again(self, job: Job) -> None:
        """Leave it to the next attempt, which is the same run's."""

    def stopping(self, at_once: bool) -> None:
        """Go on: what there is can be delivered all the same."""

    def tick(self) -> None:
        """Leave the pace to the background delivery."""

    def close(self, waits: Callable[[], None] = lambda: None) -> list[str]:
        """Deliver what is left, and return what there is to say about it.

        Args:
            waits: called where that takes longer than a user expects.
        """
        if self._delivery is None:
            return []
        missing = self._delivery.close(PATIENCE, waits)
        notes = [note for note in self._delivery.notices if self._store is None]
        if missing:
            names = ", ".join(f"{m.run.key}/{m.run.number}" for m in missing[:3])
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            notes.append(
                f"Not in MLflow yet: {names}{more} ({missing[0].reason}). ablab sync delivers them."
            )
        return notes
