"""The schema of a SQLite store: which MLflow wrote it.

MLflow upgrades a store that lacks a table when it opens it, without a backup. So the schema is
compared before that.
"""

from contextlib import closing
from importlib import import_module
from pathlib import Path

from ablab.errors import StoreError
from ablab.tracking.address import VARIABLE, Address
from ablab.tracking.database import connect


def check_schema(address: Address) -> None:
    """Refuse a SQLite store whose schema is not that of the installed MLflow.

    Raises:
        StoreError: it is older or newer; the message names the remedy.
    """
    assert address.database is not None
    found, known = schema_version(address.database), known_schemas()
    if found == known[0]:
        return
    if found in known:
        option = "" if address.is_own else f" ({VARIABLE} names it)"
        raise StoreError(
            f"{address.display} must have the schema of the installed MLflow {_mlflow()}, got an "
            f"older one ({found}); `ablab sync --upgrade`{option} upgrades it after a backup"
        )
    remedy = f"install the MLflow that wrote it (`pip install --upgrade mlflow`); {_mlflow()} is"
    remedy += f" installed and knows schemas up to {known[0]}"
    if address.is_own:
        remedy += "; or `ablab sync --rebuild` recreates the store from the trials"
    raise StoreError(
        f"{address.display} must have the schema of the installed MLflow, got {found}, that of a "
        f"newer MLflow: {remedy}"
    )


def schema_version(path: Path) -> str:
    """Return the revision of the schema of a store, ``none`` if it records none."""
    with closing(connect(path)) as database:
        row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else "none"


def known_schemas() -> list[str]:
    """Return the schemas that the installed MLflow knows, newest first; takes about 15 ms."""
    utils, script = import_module("mlflow.store.db.utils"), import_module("alembic.script")
    directory = script.ScriptDirectory.from_config(utils._get_alembic_config(""))
    return [revision.revision for revision in directory.walk_revisions()]


def _mlflow() -> str:
    return str(import_module("mlflow.version").VERSION)
