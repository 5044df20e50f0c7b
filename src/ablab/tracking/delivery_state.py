"""Delivery state: what the MLflow runs of a run have received so far, stored in ``runs.json``.

It includes which MLflow runs the user deleted, so that they stay deleted in a recreated store.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ablab.errors import ResourceError
from ablab.tracking.address import DATABASE
from ablab.tracking.database import connect
from ablab.tracking.files import read_json, write_json
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run

RUNS = "runs.json"
DUPLICATE = "ablab.duplicate_of"
OWN_STORE = "lab"  # label of the lab's own store
_TRIAL_RUNS = f"""
SELECT e.name, t.value, r.run_uuid, r.lifecycle_stage
FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active'
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'ablab.take'
LEFT JOIN tags d ON d.run_uuid = r.run_uuid AND d.key = '{DUPLICATE}'
WHERE d.value IS NULL ORDER BY r.lifecycle_stage DESC
"""
_PARENTS = """
SELECT r.run_uuid, r.artifact_uri
FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active'
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'ablab.kind' AND t.value = 'sweep'
WHERE e.name = ? AND r.lifecycle_stage = 'active'
"""
_EXPERIMENT_RUNS = """
SELECT t.value, r.lifecycle_stage, p.value
FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active'
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'ablab.take'
LEFT JOIN params p ON p.run_uuid = r.run_uuid AND p.key = 'completion'
WHERE e.name = ?
"""


@dataclass(frozen=True)
class DeliveryState:
    """Stores what one MLflow run has received so far; the fields are the keys of ``runs.json``.

    Attributes:
        run_id: id of the MLflow run.
        entries: number of journal lines that were logged.
        params: whether all params and the data set were logged.
        samples: number of samples of system metrics that were logged.
        facts: SHA-256 of the name, tags and status that were logged last.
        files: outcome at which artifacts were logged last.
        completion: SHA-256 of the completion record that was logged, the last step of all.
        mirror_of: id of the run's first MLflow run, if this one mirrors it.
        deleted: whether the user deleted the MLflow run.
        retrieved: whether another lab trained the run, and delivered it.
    """

    run_id: str
    entries: int = 0
    params: bool = False
    samples: int = 0
    facts: str = ""
    files: str = ""
    completion: str = ""
    mirror_of: str | None = None
    deleted: bool = False
    retrieved: bool = False


def read_states(run: Run, store_label: str) -> dict[str, DeliveryState]:
    """Return the delivery states of a run in a store, by experiment.

    A damaged file counts as none: delivery finds the MLflow runs again by their tags.
    """
    try:
        states = _read_file(run).get(store_label, {})
        return {experiment: DeliveryState(**state) for experiment, state in states.items()}
    except (TypeError, AttributeError):
        return {}


def write_states(run: Run, store_label: str, states: Mapping[str, DeliveryState]) -> None:
    """Write the delivery states of a run in a store; those of other stores are kept."""
    own = {experiment: asdict(state) for experiment, state in states.items()}
    for state in own.values():
        for later in ("samples", "retrieved"):  # ablab 0.1 reads the file of a run without them
            if not state[later]:
                del state[later]
    write_json(run.folder / RUNS, {**_read_file(run), store_label: own})


def record_deletions(lab: Lab) -> str:
    """Record which runs are deleted in the lab's own store, before that is replaced.

    Returns:
        Why the store could not be read, empty if it could.
    """
    path = lab.root.resolve() / DATABASE
    if not path.exists():
        return ""
    try:
        deleted = _deleted_in_store(path)
    except sqlite3.Error as error:
        return (
            f"which runs were deleted could not be read from the old store ({error}): runs that "
            "an earlier sync found deleted stay deleted, others are back"
        )
    for (experiment, name), run_id in deleted.items():
        run = Run(lab.root / "trials" / name)
        if run.folder.is_dir():
            states = read_states(run, OWN_STORE)
            states[experiment] = DeliveryState(run_id, deleted=True)
            write_states(run, OWN_STORE, states)
    return ""


def stored_parents(path: Path, sweep: str) -> list[tuple[str, dict[str, str]]]:
    """Return the parent runs of a sweep in a SQLite store: artifact address and tags of each.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    with closing(connect(path)) as database:
        parents = database.execute(_PARENTS, (sweep,)).fetchall()
        query = "SELECT key, value FROM tags WHERE run_uuid = ?"
        return [(uri, dict(database.execute(query, (run,)))) for run, uri in parents]


def stored_runs(path: Path, experiment: str) -> list[tuple[str, str, str | None]]:
    """Return the runs of an experiment of a SQLite store, none if the experiment was deleted.

    MLflow's own query takes a hundred times as long, besides the import.

    Returns:
        ``<key>/<run>``, ``active`` or ``deleted``, and the SHA-256 of the completion record or
        None, of each MLflow run.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    with closing(connect(path)) as database:
        return database.execute(_EXPERIMENT_RUNS, (experiment,)).fetchall()


def is_delivered(run: Run) -> bool:
    """Return whether a store has received all of a finished run, or something of another one."""
    stores = [states for states in _read_file(run).values() if isinstance(states, dict)]
    states = [each for store in stores for each in store.values() if isinstance(each, dict)]
    is_finished = run.completion is not None
    return any(each.get("completion") or not is_finished for each in states)


def deleted_runs(runs: Iterable[Run], store_label: str, experiment: str) -> set[str]:
    """Return the runs whose MLflow run in an experiment is recorded as deleted.

    Returns:
        Names, ``<key>/<run>``.
    """
    states = ((run, read_states(run, store_label).get(experiment)) for run in runs)
    return {f"{run.key}/{run.number}" for run, state in states if state and state.deleted}


def _read_file(run: Run) -> dict[str, Any]:
    try:
        content = read_json(run.folder / RUNS)
    except (ValueError, ResourceError):
        return {}
    return content if isinstance(content, dict) else {}


def _deleted_in_store(path: Path) -> dict[tuple[str, str], str]:
    """Return the ids of deleted MLflow runs by experiment and run, unless another one is active."""
    with closing(connect(path)) as database:
        rows = database.execute(_TRIAL_RUNS).fetchall()
    active = {(experiment, run) for experiment, run, _, stage in rows if stage == "active"}
    return {
        (experiment, run): run_id
        for experiment, run, run_id, _ in rows
        if (experiment, run) not in active
    }
