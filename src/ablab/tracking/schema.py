"""The schema of a SQLite store: which MLflow wrote it.

MLflow upgrades a store that lacks a table when it opens it, without a backup. So the schema is
compared before that.
"""

import re
from contextlib import closing
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ablab.errors import StoreError
from ablab.tracking.address import VARIABLE, Address
from ablab.tracking.database import connect

_MIGRATIONS = "store/db_migrations/versions"
# Newer versions of Alembic annotate the names: ``revision: str = "…"``.
_LINKS = tuple(rf"^{name}\b[^=\n]*= *[\"'](\w+)[\"']" for name in ("revision", "down_revision"))


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
    """Return the schemas that the installed MLflow knows, newest first.

    They are read from the files of its migrations, one for each schema: Alembic would import them,
    and MLflow, which takes two CPU seconds.
    """
    mlflow = find_spec("mlflow")
    assert mlflow is not None
    assert mlflow.submodule_search_locations is not None
    folder = Path(mlflow.submodule_search_locations[0]) / _MIGRATIONS
    earlier = dict(_links(file.read_text("utf-8")) for file in folder.glob("[!_]*.py"))
    (schema,) = earlier.keys() - set(earlier.values())
    schemas = [schema]
    while before := earlier[schemas[-1]]:
        schemas.append(before)
    return schemas


def _links(source: str) -> tuple[str, str]:
    """Return the schema that a migration leads to, and the one before, empty for the first."""
    revision, before = (re.search(pattern, source, re.MULTILINE) for pattern in _LINKS)
    assert revision is not None
    return revision[1], before[1] if before is not None else ""


def _mlflow() -> str:
    return metadata.version("mlflow")
