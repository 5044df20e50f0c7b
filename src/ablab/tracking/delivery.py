"""Delivery, the only way into MLflow: the journal and artifacts of a run, logged to an MLflow run.

A delivery continues where the last one ended and may be repeated: points have the journal's
time stamps, and MLflow stores an identical point once. The delivery state is written after each
step, so a kill in between only repeats that step.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from filelock import FileLock

from ablab.tracking import values
from ablab.tracking.delivery_state import read_states
from ablab.tracking.files import DamagedError
from ablab.tracking.mlflow_log import MlflowLog
from ablab.tracking.mlflow_names import NAME_LENGTH, TAG_LENGTH, shorten
from ablab.tracking.mlflow_runs import MIRROR, RunDeletedError, RunLookup
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.store_errors import translate_errors


@dataclass(frozen=True)
class DeliveryResult:
    """Stores how far a delivery got.

    Attributes:
        run_id: id of the MLflow run; None if the run has not started, and so has none.
        complete: whether all of a finished run was logged, its completion record last.
    """

    run_id: str | None
    complete: bool


def deliver(
    run: Run,
    store: Store,
    experiment: str,
    *,
    name: str,
    tags: Mapping[str, str],
    mirror_of: str | None = None,
    restore: bool = False,
) -> DeliveryResult:
    """Update the MLflow run of a run to the current content of the run's folder.

    Args:
        run: the run; its process may still write.
        store: an open store.
        experiment: name of the experiment; a run has one MLflow run in each experiment.
        name: name of the MLflow run.
        tags: its tags besides those of `ablab.tracking.values.tags`.
        mirror_of: id of the run's first MLflow run, if this one mirrors it; by default the one
            that another experiment of the store received first.
        restore: restore an MLflow run that the user deleted.

    Raises:
        StoreError: the store does not answer, or the run's files are not those that its
            completion record lists.
        RunDeletedError: the user deleted the MLflow run; the caller may discard the run.
        DamagedError: a record of the run was changed since it was written.
    """
    name = shorten(name, NAME_LENGTH)
    tags = {tag: shorten(text, TAG_LENGTH) for tag, text in tags.items()}
    with FileLock(run.folder / "delivery.lock"), translate_errors(store.address):
        snapshot = run.snapshot()
        if not (snapshot.completion or snapshot.is_locked) and (damage := run.damage()):
            raise DamagedError(damage)  # a damaged completion record must not show as a kill
        if not snapshot.entries:
            return DeliveryResult(None, False)
        states = read_states(run, store.label)
        if (known := states.get(experiment)) is not None and known.retrieved:
            return DeliveryResult(known.run_id, True)
        lookup = RunLookup(run, store, experiment, snapshot, states, mirror_of)
        try:
            mlflow_run = lookup.find_or_create(name, tags)
        except RunDeletedError as error:
            if not restore:
                lookup.mark_deleted(error.run_id)
                raise
            lookup.restore(error.run_id)
            mlflow_run = lookup.find_or_create(name, tags)
        state = states[experiment]
        mirror = {MIRROR: state.mirror_of} if state.mirror_of else {}
        log = MlflowLog(store, run, experiment, mlflow_run, snapshot, states)
        log.log(name, values.tags(run) | tags | mirror)
        return DeliveryResult(state.run_id, snapshot.completion is not None)
