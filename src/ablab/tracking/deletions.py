"""Runs that the user deleted in MLflow: remembered in the runs' folders, so that they stay so."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from ablab.tracking.address import DATABASE
from ablab.tracking.database import connect
from ablab.tracking.lab import Lab, Run
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
        run = Run(lab.root / "trials" / name)
        if run.folder.is_dir():
            memory = Memory(run, _OWN)
            memory.mlflow_runs[experiment] = Told(run_id, deleted=True)
            memory.keep()
    return ""


def deleted_runs(runs: Iterable[Run], label: str, experiment: str) -> set[str]:
    """Return which runs have a run in an experiment that is remembered as deleted.

    Returns:
        Names, ``<key>/<run>``.
    """
    told = ((run, Memory(run, label).mlflow_runs.get(experiment)) for run in runs)
    return {
        f"{run.key}/{run.number}"
        for run, mlflow_run in told
        if mlflow_run is not None and mlflow_run.deleted
    }


def _deleted(path: Path) -> dict[tuple[str, str], str]:
    """Return the deleted runs by experiment and take, those left out that have a living one."""
    with closing(connect(path)) as database:
        rows = database.execute(_RUNS).fetchall()
    living = {(name, run) for name, run, _, stage in rows if stage == "active"}
    gone = {(name, run): mlflow_run for name, run, mlflow_run, stage in rows if stage != "active"}
    return {place: mlflow_run for place, mlflow_run in gone.items() if place not in living}
