"""``ablab sync --to``: fills another store with the MLflow runs of a lab.

The lab keeps the store that it has: what each store has received is recorded apart.
"""

from collections import Counter
from dataclasses import dataclass

from ablab.errors import InputError
from ablab.tracking.address import locate
from ablab.tracking.copy_runs import RunCopier
from ablab.tracking.delivery_state import deleted_runs
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plans
from ablab.tracking.store import Store
from ablab.tracking.store_errors import translate_errors
from ablab.tracking.sweep_run import TRIALS, delivered_runs
from ablab.tracking.sync import SyncResult, sync

OPTION = "--to"


@dataclass(frozen=True)
class CopyResult:
    """Counts what a copy wrote and found.

    Attributes:
        target: the store that was filled.
        delivered: the runs that the lab has on disk.
        seen: counts of the source's runs, as `RunCopier.seen`.
        deleted: number of runs of the lab that the user deleted in the source; they were left out.
        failed: reason by name of what is not in the target.
    """

    target: Store
    delivered: SyncResult
    seen: Counter[str]
    deleted: int
    failed: dict[str, str]


def copy_store(lab: Lab, uri: str, *, restore: bool = False) -> CopyResult:
    """Fill the store at ``uri`` with the MLflow runs of the lab.

    Runs of the lab are delivered from their journals, sweeps with their reports. Then what the
    source has and the target lacks is copied through MLflow: runs whose folders the lab no longer
    has, and what was added in MLflow.

    Args:
        lab: the lab.
        uri: MLflow's tracking URI; a SQLite file is created if it does not exist.
        restore: restore the runs that the user deleted in the target.

    Raises:
        InputError: the target is the store that the lab uses.
        StoreError: a store cannot be used or does not answer.
    """
    used, address = locate(lab.root), locate(lab.root, uri, setting=OPTION, may_create=True)
    if used.uri.rstrip("/") == address.uri.rstrip("/"):
        raise InputError(
            f"{OPTION} must name another store than the one that the lab uses, got "
            f"{address.display}; `ablab sync` delivers to that one"
        )
    source = None
    if not used.is_own or (used.database is not None and used.database.exists()):
        source = Store.open(lab)
        with translate_errors(source.address):
            source.client.search_experiments(max_results=1)  # fails before anything is written
    target = Store.open(lab, uri, setting=OPTION, create=True)
    left_out = set() if source is None else _deleted(lab, source)
    delivered = sync(lab, target, restore=restore, left_out=left_out)
    seen, failed = Counter[str](), dict(delivered.failed)
    if source is not None:
        copier = RunCopier(source, target)
        copier.copy()
        seen = copier.seen
        failed |= copier.failed
        target.notices.extend(source.notices)
    return CopyResult(target, delivered, seen, len(left_out), failed)


def _deleted(lab: Lab, source: Store) -> set[tuple[str, str]]:
    """Return experiment and ``<key>/<run>`` of the lab's runs that the user deleted in a store."""
    experiments = [plan.sweep for plan in read_plans(lab)[0]] + [TRIALS]
    runs = [run for key in lab.keys() for run in lab.runs(key)]  # noqa: SIM118 - no mapping
    found = set()
    for experiment in experiments:
        complete, deleted = delivered_runs(source.address, experiment, source)
        recorded = deleted_runs(runs, source.label, experiment) - complete.keys()
        found |= {(experiment, name) for name in deleted | recorded}
    return {(e, n) for e, n in found if n in {f"{run.key}/{run.number}" for run in runs}}
