"""The MLflow store: the lab's own SQLite file, or the store that ``MLFLOW_TRACKING_URI`` names.

MLflow is imported late, by `preload`, with telemetry off and short timeouts, so that a dead server
is noticed within seconds. Only its client is used, never its fluent API.

Do not fork a process with an open store: SQLite connections do not survive a fork. Sweeps fork
trials from a process that imports MLflow but opens no store.
"""

import atexit
import logging
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ablab.errors import StoreError
from ablab.importing import without_gc
from ablab.tracking.address import DATABASE, VARIABLE, Address, locate, sqlite_uri
from ablab.tracking.database import check, correct_addresses, set_aside, use_write_ahead_log
from ablab.tracking.database import create as create_database
from ablab.tracking.delivery_state import OWN_STORE, record_deletions
from ablab.tracking.host_marker import claim
from ablab.tracking.lab import Lab
from ablab.tracking.mlflow_names import valid_name
from ablab.tracking.schema import check_schema
from ablab.tracking.store_errors import (
    StoreUnavailableError,
    to_store_error,
    translate_errors,
)

ARTIFACTS = "artifacts"
_LOCK_SECONDS = 60.0  # creating a store took more than 20 s on two cores with a load of 28
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH": "40000",  # a path of 4,096 bytes, escaped
}
# MLflow's pages then show training runs, not its tools for language models.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
# MLflow's default is ten tries of a database, a hundred seconds without a message.
_DATABASE_TRIES = 2


@dataclass(frozen=True)
class Store:
    """Stores the connection to an open MLflow store.

    Attributes:
        lab: the lab whose trials it receives.
        address: where it is.
        client: an ``MlflowClient``.
        artifacts: folder for the artifacts of new experiments; None: the server decides.
        notices: messages for the user: a moved lab, a restored experiment.
        logged: counts of what was written: ``runs`` created, ``values`` of metrics, ``artifacts``.
        engine: SQLAlchemy's engine of a SQLite file, else None.
    """

    lab: Lab
    address: Address
    client: Any
    artifacts: Path | None
    notices: list[str] = field(default_factory=list)
    logged: Counter[str] = field(default_factory=Counter)
    engine: Any = None

    @classmethod
    def open(
        cls, lab: Lab, uri: str | None = None, *, setting: str = VARIABLE, create: bool = False
    ) -> "Store":
        """Return the store at ``uri`` (default: ``MLFLOW_TRACKING_URI``, else the lab's own).

        The lab's own is created if missing, any other must exist; a server is not contacted yet.

        Args:
            lab: the lab whose trials it receives.
            uri: MLflow's tracking URI.
            setting: what names ``uri``, for messages.
            create: also create another SQLite file than the lab's own.

        Raises:
            StoreError: it cannot be used; the message names the remedy.
        """
        address = locate(lab.root, uri, setting=setting, may_create=create)
        preload()
        from mlflow import MlflowClient

        folder = lab.root.resolve() if address.database is None else address.database.parent
        artifacts = None if address.is_served else folder / ARTIFACTS
        notices = [claim_store(address)]
        with translate_errors(address), exclusive(address):
            if address.database is not None and artifacts is not None:
                notices.append(_prepare(address, artifacts, create=create))
            client = MlflowClient(address.uri)
        engine = None if address.database is None else client._tracking_client.store.engine
        known = [notice for notice in notices if notice]
        store = cls(lab, address, client, artifacts, known, engine=engine)
        atexit.register(store.close)  # the last one to close merges the write-ahead log
        return store

    @property
    def uri(self) -> str:
        """MLflow's tracking URI."""
        return self.address.uri

    @property
    def database(self) -> Path | None:
        """The SQLite file, or None."""
        return self.address.database

    @property
    def label(self) -> str:
        """Name of the store in ``runs.json``; it survives a move of the lab."""
        return OWN_STORE if self.address.is_own else self.address.without_password

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, which is created if missing and restored if deleted.

        Raises:
            StoreError: the store does not answer.
        """
        with exclusive(self.address), translate_errors(self.address):
            experiment = self.find_experiment(name) or self._create_experiment(name)
            if experiment.lifecycle_stage == "deleted":
                self.client.restore_experiment(experiment.experiment_id)
                self.notices.append(f"experiment {name} had been deleted in MLflow: restored")
            return str(experiment.experiment_id)

    def find_experiment(self, name: str) -> Any:
        """Return MLflow's experiment with this name, deleted or not, or None."""
        return self.client.get_experiment_by_name(name)

    def close(self) -> None:
        """Close the connections; using the store again opens new ones."""
        if self.engine is not None:
            self.engine.dispose()

    def _create_experiment(self, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        location = None if self.artifacts is None else (self.artifacts / valid_name(name)).as_uri()
        try:
            self.client.create_experiment(name, artifact_location=location, tags=_KIND)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return self.find_experiment(name)


def prepare(lab: Lab) -> list[str]:
    """Check the lab's own store, and correct it after a move of the lab, without MLflow.

    Returns:
        Messages for the user.

    Raises:
        StoreError: it cannot be used; the message names the remedy.
    """
    address = locate(lab.root)
    assert address.database is not None
    if not address.database.exists():
        return []
    notices = [claim_store(address)]
    with translate_errors(address), exclusive(address):
        notices.append(_prepare(address, address.database.parent / ARTIFACTS, create=False))
    return [notice for notice in notices if notice]


def fault(lab: Lab) -> str:
    """Return why the SQLite store of a lab cannot be used now, empty if it can.

    It is quick: MLflow is not imported, and a server is not contacted.

    Raises:
        StoreError: no store can be at the address.
    """
    address = locate(lab.root)
    try:
        if address.database is not None and address.database.exists():
            check(address.database)
    except sqlite3.Error as error:
        return str(to_store_error(address, error))
    return ""


def preload() -> None:
    """Import MLflow without messages and telemetry; the user's environment variables win."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with without_gc():
        import_module("mlflow.store.tracking.sqlalchemy_store")
        utils = import_module("mlflow.store.db.utils")
    utils.MAX_RETRY_COUNT = _DATABASE_TRIES  # type: ignore[attr-defined]
    for name in ("alembic", "mlflow", "urllib3"):  # their errors are shown as `StoreError`
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def rebuild(lab: Lab) -> tuple[Store, Path | None]:
    """Set the lab's own store aside and create a new one, for `ablab.tracking.sync` to fill.

    Returns:
        The new store, and the new path of the old one, None if there was none.

    Raises:
        StoreError: the store cannot be created or replaced.
    """
    own = lab.root.resolve() / DATABASE
    address = Address(sqlite_uri(own), own, True)
    with translate_errors(address), exclusive(address):
        notice = record_deletions(lab)
        aside = set_aside(own)
    store = Store.open(lab, address.uri)
    store.close()
    store.notices.extend(filter(None, [notice]))
    return store, aside


def claim_store(address: Address) -> str | None:
    """Claim a SQLite file for this machine; return a message for the user, or None."""
    try:
        return None if address.database is None else claim(address.database)
    except OSError as error:
        raise StoreError(
            f"{address.display} must be in a folder with write permission, got: {error.strerror}"
        ) from error


def _prepare(address: Address, artifacts: Path, *, create: bool) -> str | None:
    """Create or check a SQLite store; return a message for the user, or None."""
    database = address.database
    assert database is not None
    if (address.is_own or create) and not database.exists():
        return create_database(database, artifacts)
    check(database)
    check_schema(address)  # MLflow itself would upgrade an older one at once, without a backup
    if not address.is_own:
        return None
    use_write_ahead_log(database)  # a restored backup has none
    return correct_addresses(database, artifacts)


def exclusive(address: Address) -> AbstractContextManager[Any]:
    """Return the lock with which ablab's processes exclude each other; a server needs none."""
    return nullcontext() if address.database is None else _locked(address, address.database)


@contextmanager
def _locked(address: Address, database: Path) -> Iterator[None]:
    """Hold the lock with which ablab's processes exclude each other."""
    lock = FileLock(database.with_name(f".{database.name}.lock"))
    try:
        lock.acquire(timeout=_LOCK_SECONDS)
    except Timeout:
        raise StoreUnavailableError(
            f"{address.display} must be free, got one that another process of ablab has held for "
            f"{_LOCK_SECONDS:.0f} s; `ablab sync` delivers once that has ended"
        ) from None
    except OSError as error:
        raise StoreError(
            f"{database.parent} must be a folder with write permission, got: {error.strerror}"
        ) from error
    try:
        yield
    finally:
        lock.release()
