"""What of a lab is not as it was written, for whoever asks; each with what to do."""

from collections.abc import Iterator

from ablab.errors import InputError, ResourceError, StoreError
from ablab.tracking.baselines import read_baselines
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plans
from ablab.tracking.store import fault


def damaged_runs(lab: Lab, sweep: str) -> list[str]:
    """Return a line for each damaged run of a sweep's trials."""
    plans = [plan for plan in read_plans(lab)[0] if plan.sweep == sweep]
    keys = dict.fromkeys(cell.key for plan in plans for cell in plan.cells)
    return [told for key in keys for run in lab.runs(key) if (told := run.damage())]


def damages(lab: Lab) -> Iterator[str]:
    """Yield a line for each damaged plan and take, for the baselines and for the store.

    Weights are compared by their size; delivery compares every byte.
    """
    yield from read_plans(lab)[1].values()
    for key in lab.keys():  # noqa: SIM118 - no mapping
        for run in lab.runs(key):
            try:
                found = run.damage()
            except ResourceError as error:
                found = str(error)
            yield from filter(None, [found])
    try:
        read_baselines(lab.root)
    except (InputError, ResourceError) as error:
        yield str(error)
    try:
        yield from filter(None, [fault(lab)])
    except StoreError as error:
        yield str(error)
