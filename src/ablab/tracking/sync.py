"""Delivery by hand: everything that the lab has and the store lacks."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ablab.tracking.delivery import deliver
from ablab.tracking.files import DamagedError
from ablab.tracking.lab import Lab, Run
from ablab.tracking.memory import Memory
from ablab.tracking.mlflow_runs import RunDeletedError
from ablab.tracking.plan import Plan, read_plans
from ablab.tracking.refusals import StoreAwayError
from ablab.tracking.store import Store
from ablab.tracking.sweep_run import LONE, deliver_sweep, describe_cell, describe_lone


@dataclass
class Counts:
    """What a synchronisation found.

    Attributes:
        complete: runs of finished runs; all of each is there.
        unfinished: runs of runs that run, failed or were stopped, up to date.
        deleted: runs that the user deleted; their runs were left alone.
        failed: ``<experiment> <key>/<run>``, or a sweep, to the reason why it was not delivered.
    """

    complete: int = 0
    unfinished: int = 0
    deleted: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Showing:
    """A run, and the run that shall show it."""

    run: Run
    experiment: str
    name: str
    tags: dict[str, str]


def sync(lab: Lab, store: Store, *, restore: bool = False) -> Counts:
    """Deliver every run of every plan, and every lone trial's, as far as it has come.

    Runs of trials that died are marked as killed by it. A run that stands in two sweeps has
    its own run in the older one and a mirror in the other. What is damaged is named, and the rest
    arrives; the trials of a damaged plan wait until it can be read: they are no lone ones.

    Args:
        lab: the lab.
        store: the open store.
        restore: bring back the runs that the user deleted in MLflow.

    Raises:
        StoreAwayError: the store does not answer.
    """
    plans, damaged = read_plans(lab)
    plans.sort(key=lambda plan: (plan.parts[0].time, plan.sweep))
    counts = Counts(failed=damaged)
    for plan in plans:
        deliver_sweep(store, plan)
    for showing in (*_planned(lab, plans), *_lone(lab, store, plans, counts)):
        _deliver(store, showing, counts, restore=restore)
    return counts


def _planned(lab: Lab, plans: list[Plan]) -> Iterator[_Showing]:
    for plan in plans:
        for cell in {cell.key: cell for cell in reversed(plan.cells)}.values():
            yield from _runs(lab, cell.key, plan.sweep, *describe_cell(plan, cell))


def _lone(lab: Lab, store: Store, plans: list[Plan], counts: Counts) -> Iterator[_Showing]:
    """Yield the trials that stand in no plan: while one cannot be read, those known as such."""
    sure = not counts.failed
    for key in sorted(set(lab.keys()) - {cell.key for plan in plans for cell in plan.cells}):
        for run in lab.runs(key)[-1:]:
            if not (sure or LONE in Memory(run, store.label).mlflow_runs):
                continue
            try:
                name, tags = describe_lone(run.trial)
            except DamagedError as error:
                counts.failed[f"{LONE} {run.key}/{run.number}"] = str(error)
            else:
                yield from _runs(lab, key, LONE, name, tags)


def _runs(
    lab: Lab, key: str, experiment: str, name: str, tags: dict[str, str]
) -> Iterator[_Showing]:
    for run in lab.runs(key):
        counting = lab.finished(key) or lab.runs(key)[-1]
        superseded = {} if run == counting else {"superseded": counting.number}
        yield _Showing(run, experiment, name, tags | superseded)


def _deliver(store: Store, showing: _Showing, counts: Counts, *, restore: bool) -> None:
    run, place = showing.run, showing.experiment
    try:
        done = deliver(run, store, place, name=showing.name, tags=showing.tags, restore=restore)
    except StoreAwayError:
        raise
    except RunDeletedError:
        counts.deleted += 1
    except Exception as error:  # one damaged run must not keep the others from the store
        counts.failed[f"{place} {run.key}/{run.number}"] = str(error)
    else:
        counts.complete += done.complete
        counts.unfinished += done.run_id is not None and not done.complete
