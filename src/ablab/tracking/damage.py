"""Finds the records of a lab that were changed since they were written, each with its remedy."""

from collections.abc import Iterator, Mapping, Sequence

from ablab.errors import InputError, ResourceError
from ablab.tracking.baselines import read_baselines
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, read_plans


def damaged_runs(lab: Lab, plan: Plan, known: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a message for each damaged run of a sweep.

    Args:
        lab: with the runs.
        plan: of the sweep.
        known: the messages of trials that were read already, by key.
    """
    keys = dict.fromkeys(cell.key for cell in plan.all_cells)
    return [m for key in keys for m in (known[key] if key in known else _messages(lab, key))]


def _messages(lab: Lab, key: str) -> list[str]:
    return [message for run in lab.runs(key) if (message := run.damage())]


def find_damage(lab: Lab, *, thorough: bool = False) -> Iterator[str]:
    """Yield a message for each damaged plan and run, and for the baselines.

    Args:
        lab: the lab.
        thorough: compare every byte of weights too, as delivery does, not only their size.
    """
    yield from read_plans(lab)[1].values()
    for key in lab.keys():  # noqa: SIM118 - no mapping
        for run in lab.runs(key):
            try:
                message = run.damage(thorough=thorough)
            except ResourceError as error:
                message = str(error)
            yield from filter(None, [message])
    try:
        read_baselines(lab.root)
    except (InputError, ResourceError) as error:
        yield str(error)
