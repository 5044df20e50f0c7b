"""Delivery by hand: everything that the lab has and the store lacks."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Lab, Take
from ablab.tracking.plan import Plan, read_plan
from ablab.tracking.runs import RunDeletedError
from ablab.tracking.store import Store, StoreAwayError
from ablab.tracking.sweep_run import LONE, deliver_sweep, describe_cell, describe_lone


@dataclass
class Counts:
    """What a synchronisation found.

    Attributes:
        complete: runs of finished takes; all of each is there.
        unfinished: runs of takes that run, failed or were stopped, up to date.
        deleted: runs that the user deleted; their takes were left alone.
        failed: ``<experiment> <key>/<take>`` to the reason why it was not delivered.
    """

    complete: int = 0
    unfinished: int = 0
    deleted: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Showing:
    """A take, and the run that shall show it."""

    take: Take
    experiment: str
    name: str
    tags: dict[str, str]


def sync(lab: Lab, store: Store) -> Counts:
    """Deliver every take of every plan, and every lone trial's, as far as it has come.

    Runs of trials that died are marked as killed by it. A take that stands in two sweeps has
    its own run in the older one and a mirror in the other.

    Raises:
        StoreAwayError: the store does not answer.
    """
    counts, plans = Counts(), _plans(lab)
    for plan in plans:
        deliver_sweep(store, plan)
    for showing in _showings(lab, plans):
        _deliver(store, showing, counts)
    return counts


def _plans(lab: Lab) -> list[Plan]:
    """Return the plans in force, the oldest first."""
    plans = [read_plan(lab.sweep_folder(sweep)) for sweep in lab.sweeps()]
    return sorted((p for p in plans if p), key=lambda plan: (plan.parts[0].time, plan.sweep))


def _showings(lab: Lab, plans: list[Plan]) -> Iterator[_Showing]:
    planned: set[str] = set()
    for plan in plans:
        for cell in {cell.key: cell for cell in reversed(plan.cells)}.values():
            planned.add(cell.key)
            yield from _takes(lab, cell.key, plan.sweep, *describe_cell(plan, cell))
    for key in sorted(set(lab.keys()) - planned):
        for take in lab.takes(key)[-1:]:
            yield from _takes(lab, key, LONE, *describe_lone(take.trial))


def _takes(
    lab: Lab, key: str, experiment: str, name: str, tags: dict[str, str]
) -> Iterator[_Showing]:
    for take in lab.takes(key):
        counting = lab.finished(key) or lab.takes(key)[-1]
        superseded = {} if take == counting else {"superseded": counting.number}
        yield _Showing(take, experiment, name, tags | superseded)


def _deliver(store: Store, showing: _Showing, counts: Counts) -> None:
    take = showing.take
    try:
        delivered = deliver(take, store, showing.experiment, name=showing.name, tags=showing.tags)
    except StoreAwayError:
        raise
    except RunDeletedError:
        counts.deleted += 1
    except Exception as error:  # one damaged take must not keep the others from the store
        counts.failed[f"{showing.experiment} {take.key}/{take.number}"] = str(error)
    else:
        counts.complete += delivered.complete
        counts.unfinished += delivered.run_id is not None and not delivered.complete
