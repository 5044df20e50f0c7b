"""``ablab sync``: delivers everything that the lab has and the store lacks."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from ablab.tracking.delivery import deliver
from ablab.tracking.delivery_state import read_states
from ablab.tracking.files import DamagedError
from ablab.tracking.lab import Lab
from ablab.tracking.mlflow_runs import RunDeletedError
from ablab.tracking.plan import Plan, read_plans
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.store_errors import StoreUnavailableError
from ablab.tracking.sweep_run import (
    TRIALS,
    deliver_sweep,
    deliver_written_report,
    describe_cell,
    describe_trial,
    refresh_page,
)

_Target = tuple[str, str, dict[str, str]]
"""Experiment, and the name and the tags of the MLflow runs of a trial."""


@dataclass
class SyncResult:
    """Counts the runs of a synchronization by outcome.

    Attributes:
        complete: finished runs that are in the store with all files.
        unfinished: runs that run, failed or were stopped; the store is up to date.
        deleted: runs whose MLflow run the user deleted; they were left out.
        failed: reason by ``<experiment> <key>/<run>``, or by sweep, of what was not delivered.
    """

    complete: int = 0
    unfinished: int = 0
    deleted: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def sync(
    lab: Lab,
    store: Store,
    *,
    restore: bool = False,
    left_out: Collection[tuple[str, str]] = (),
) -> SyncResult:
    """Deliver the current state of every run, of sweeps and of trials outside them.

    Runs whose process died are marked as killed. A run of two sweeps has its first MLflow run in
    the older one and a mirror in the other. A damaged record is reported, and the rest is
    delivered; the trials of a damaged plan wait until it can be read, for without it they would
    pass for trials outside sweeps.

    Args:
        lab: the lab.
        store: the open store.
        restore: restore the MLflow runs that the user deleted.
        left_out: experiment and ``<key>/<run>`` of runs that are not delivered.

    Raises:
        StoreUnavailableError: the store does not answer.
    """
    plans, damaged = read_plans(lab)
    plans.sort(key=lambda plan: (plan.parts[0].time, plan.sweep))
    result = SyncResult(failed=damaged)
    for plan in plans:
        deliver_sweep(store, plan)
    trials = [*_planned_trials(plans), *_other_trials(lab, store, plans, result)]
    for key, target in trials:
        for run in lab.runs(key):
            if (target[0], f"{run.key}/{run.number}") not in left_out:
                _deliver(lab, store, run, target, result, restore=restore)
    for plan in plans:
        try:
            deliver_written_report(store, plan)
        except DamagedError as error:
            result.failed[plan.sweep] = str(error)
        refresh_page(store, plan)
    return result


def _planned_trials(plans: list[Plan]) -> Iterator[tuple[str, _Target]]:
    for plan in plans:
        for cell in {cell.key: cell for cell in reversed(plan.all_cells)}.values():
            yield cell.key, (plan.sweep, *describe_cell(plan, cell))


def _other_trials(
    lab: Lab, store: Store, plans: list[Plan], result: SyncResult
) -> Iterator[tuple[str, _Target]]:
    """Yield the trials of no plan; if a plan is damaged, those already delivered as such."""
    has_all_plans = not result.failed
    for key in sorted(set(lab.keys()) - {cell.key for plan in plans for cell in plan.all_cells}):
        for run in lab.runs(key)[-1:]:
            if not (has_all_plans or TRIALS in read_states(run, store.label)):
                continue
            try:
                yield key, (TRIALS, *describe_trial(run.trial))
            except DamagedError as error:
                result.failed[f"{TRIALS} {run.key}/{run.number}"] = str(error)


def _deliver(
    lab: Lab, store: Store, run: Run, target: _Target, result: SyncResult, *, restore: bool
) -> None:
    experiment, name, tags = target
    current = lab.finished(run.key) or lab.runs(run.key)[-1]
    if run != current:
        tags = tags | {"superseded": current.number}
    try:
        delivered = deliver(run, store, experiment, name=name, tags=tags, restore=restore)
    except StoreUnavailableError:
        raise
    except RunDeletedError:
        result.deleted += 1
    except Exception as error:  # one damaged run must not keep the others from the store
        result.failed[f"{experiment} {run.key}/{run.number}"] = str(error)
    else:
        result.complete += delivered.complete
        result.unfinished += delivered.run_id is not None and not delivered.complete
