"""Runs that the user deleted in MLflow: remembered in the takes' folders, so that they stay so."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from ablab.tracking.address import DATABASE
from ablab.tracking.database import connect
from ablab.tracking.lab import Lab, Take
from ablab.tracking.memory import DUPLICATE, Memory, Told

_OWN = "lab"
_RUNS = f"""
SELECT e.name, t.value, r.run_uuid, r.lifecycle_stage
FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active'
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'ablab.take'
LEFT JOIN tags d ON d.run_uuid = r.run_uuid AND d.key = '{DUPLICATE}'
WHERE d.value IS NULL ORDER BY r.lifecycle_stage DESC
"""


def remember_deletions(lab: Lab) -> str:
    """Write down which runs the lab's own store holds as deleted, before it is replaced.

    Returns:
        Why that could not be read, empty where it could.
    """
    path = lab.root.resolve() / DATABASE
    if not path.exists():
        return ""
    try:
        deleted = _deleted(path)
    except sqlite3.Error as error:
        return (
            f"which runs were deleted could not be read from the old store ({error}): those that "
            "a sync had seen stay deleted, others are back"
        )
    for (experiment, name), run_id in deleted.items():
        take = Take(lab.root / "trials" / name)
        if take.folder.is_dir():
            memory = Memory(take, _OWN)
            memory.runs[experiment] = Told(run_id, deleted=True)
            memory.keep()
    return ""


def deleted_takes(takes: Iterable[Take], label: str, experiment: str) -> set[str]:
    """Return which takes have a run in an experiment that is remembered as deleted.

    Returns:
        Names, ``<key>/<take>``.
    """
    told = ((take, Memory(take, label).runs.get(experiment)) for take in takes)
    return {f"{take.key}/{take.number}" for take, run in told if run is not None and run.deleted}


def _deleted(path: Path) -> dict[tuple[str, str], str]:
    """Return the deleted runs by experiment and take, those left out that have a living one."""
    with closing(connect(path)) as database:
        rows = database.execute(_RUNS).fetchall()
    living = {(name, take) for name, take, _, stage in rows if stage == "active"}
    gone = {(name, take): run for name, take, run, stage in rows if stage != "active"}
    return {place: run for place, run in gone.items() if place not in living}
