"""Checks of the MLflow store that `ablab doctor` makes; they change nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ablab.errors import ResourceError, StoreError
from ablab.tracking.address import Address, locate
from ablab.tracking.completion import completion_sha
from ablab.tracking.database import check, connect
from ablab.tracking.delivery_state import OWN_STORE, read_states
from ablab.tracking.lab import Lab
from ablab.tracking.problem import Problem
from ablab.tracking.run import Run
from ablab.tracking.store import Store, preload, rebuild
from ablab.tracking.store_errors import is_damage, to_store_error, translate_errors
from ablab.tracking.sync import sync

_RUNNING = """
SELECT t.value FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'ablab.take'
WHERE r.status = 'RUNNING' AND r.lifecycle_stage = 'active'
"""


def store_problems(lab: Lab) -> Iterator[Problem]:
    """Yield what is wrong with the store that trials of the lab are delivered to."""
    try:
        address = locate(lab.root)
        if address.database is None:
            _ask_server(lab)
        elif address.database.exists():
            yield from _database_problems(lab, address, address.database)
    except StoreError as error:
        yield Problem("store", str(error))


def store_notes(lab: Lab) -> Iterator[str]:
    """Yield what the lab's own store lacks, which is no fault: `ablab sync` delivers it."""
    try:
        address = locate(lab.root)
    except StoreError:
        return
    label = OWN_STORE if address.is_own else address.without_password
    count = sum(_is_undelivered(run, label) for run in _finished(lab))
    if count:
        runs = "1 finished run is" if count == 1 else f"{count} finished runs are"
        yield f"{runs} not in MLflow yet: `ablab sync` delivers them"


def _ask_server(lab: Lab) -> None:
    store = Store.open(lab)
    with translate_errors(store.address):
        store.client.search_experiments(max_results=1)


def _database_problems(lab: Lab, address: Address, path: Path) -> Iterator[Problem]:
    try:
        check(path, to_write=False)
        _check_pages(path)
        check(path)
    except sqlite3.Error as error:
        is_fixable = address.is_own and is_damage(error)
        fix = partial(_rebuild, lab) if is_fixable else None
        yield Problem("store", str(to_store_error(address, error)), fix)
        return
    yield from _schema_problems(address, path)
    with suppress(sqlite3.Error):  # a store of another schema
        yield from _run_problems(lab, path)
    if address.is_own:
        yield from _partial_stores(path)


def _check_pages(path: Path) -> None:
    """Raise SQLite's error for a file with damaged pages."""
    with closing(connect(path)) as database:
        (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {result}")


def _schema_problems(address: Address, path: Path) -> Iterator[Problem]:
    preload()
    utils: Any = import_module("mlflow.store.db.utils")
    with closing(connect(path)) as database:
        (version,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    if version != utils._get_latest_schema_revision():
        error = sqlite3.DatabaseError("out-of-date database schema")
        yield Problem("store", str(to_store_error(address, error)))


def _run_problems(lab: Lab, path: Path) -> Iterator[Problem]:
    """Yield a problem if MLflow shows runs as running whose process has ended."""
    with closing(connect(path)) as database:
        names = [str(name) for (name,) in database.execute(_RUNNING)]
    runs = [Run(lab.root / "trials" / name) for name in names if name.count("/") == 1]
    ended = [run for run in runs if run.folder.is_dir() and not run.is_locked()]
    if ended:
        shown = "1 run is" if len(ended) == 1 else f"{len(ended)} runs are"
        yield Problem(
            "store",
            f"{shown} shown as running in MLflow, though the process has ended; `ablab sync` "
            "corrects that",
            partial(_sync, lab),
        )


def _partial_stores(path: Path) -> Iterator[Problem]:
    """Yield what a process left that was killed while it created the store."""
    left = list(path.parent.glob(f".{path.name}.new*"))
    if left:
        text = f"{left[0]} was left by a killed process; it is not used"
        yield Problem("leftover", text, partial(_remove_partial_stores, path, left))


def _remove_partial_stores(path: Path, left: list[Path]) -> str:
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=0):
            for each in left:
                each.unlink(missing_ok=True)
    except Timeout:
        return f"nothing: a process creates {path.name} now"
    return f"removed {', '.join(each.name for each in left)}"


def _rebuild(lab: Lab) -> str:
    """Set the damaged store aside and recreate it, unless trials write to it now."""
    if any(run.is_locked() for key in lab.keys() for run in lab.runs(key)):  # noqa: SIM118
        return "nothing: trials are running; repeat it when they have ended"
    store, aside = rebuild(lab)
    counts = sync(lab, store)
    store.close()
    kept = f"kept the damaged store as {aside}, and " if aside else ""
    failed = f", {len(counts.failed)} could not be delivered" if counts.failed else ""
    return f"{kept}recreated it with {counts.complete + counts.unfinished} runs{failed}"


def _sync(lab: Lab) -> str:
    store = Store.open(lab)
    counts = sync(lab, store)
    store.close()
    return f"delivered {counts.complete} finished and {counts.unfinished} unfinished runs to MLflow"


def _finished(lab: Lab) -> Iterator[Run]:
    for key in lab.keys():  # noqa: SIM118 - no mapping
        if (run := lab.finished(key)) is not None:
            yield run


def _is_undelivered(run: Run, label: str) -> bool:
    states = read_states(run, label).values()
    if any(state.deleted for state in states):
        return False
    try:
        sha = completion_sha(run.folder)
    except (OSError, ResourceError):
        return False
    return not any(state.completion == sha for state in states)
