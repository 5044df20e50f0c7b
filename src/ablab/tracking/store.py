"""Where runs go: the lab's own SQLite store or the server that ``MLFLOW_TRACKING_URI`` names.

MLflow is imported late, by `preload`, with telemetry off and with short time limits, so that
a dead server is found out in seconds. Only its client is used, never its fluent interface.

A store that was opened must not cross a fork: SQLite connections do not survive one. Sweeps
keep to that by forking trials from a server that imports MLflow and opens no store.
"""

import atexit
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ablab.errors import StoreError
from ablab.importing import for_good
from ablab.tracking.address import DATABASE, Address, locate, sqlite_uri
from ablab.tracking.database import check, create, mend, set_aside
from ablab.tracking.deletions import remember_deletions
from ablab.tracking.lab import Lab
from ablab.tracking.refusals import StoreAwayError, refusal, talking

ARTIFACTS = "artifacts"
_LOCK_SECONDS = 20.0
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH": "40000",  # a path of 4,096 bytes, escaped
}
# MLflow's pages then show training runs, not the tools for language models.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
# MLflow tries a database ten times, for a hundred silent seconds.
_DATABASE_TRIES = 2


@dataclass(frozen=True)
class Store:
    """An open store.

    Attributes:
        lab: the lab whose trials go there.
        address: where it is.
        client: an ``MlflowClient``.
        artifacts: the folder under which new experiments keep theirs; None: as the server says.
        notices: what the user should be told: a lab that was moved, a restored experiment.
        engine: SQLAlchemy's, of a SQLite file; else None.
    """

    lab: Lab
    address: Address
    client: Any
    artifacts: Path | None
    notices: list[str] = field(default_factory=list)
    engine: Any = None

    @classmethod
    def open(cls, lab: Lab, uri: str | None = None) -> "Store":
        """Return the store at ``uri`` (default: ``MLFLOW_TRACKING_URI``, else the lab's own).

        The lab's own is made if there is none, any other must be there; a server is not called
        yet.

        Raises:
            StoreError: it cannot be used; the message says what to do.
        """
        address = locate(lab.root, uri)
        preload()
        from mlflow import MlflowClient

        folder = lab.root.resolve() if address.database is None else address.database.parent
        artifacts = None if address.is_served else folder / ARTIFACTS
        with talking(address), _alone(address):
            notice = None
            if address.database is not None and artifacts is not None:
                notice = _prepare(address.database, artifacts, own=address.is_own)
            client = MlflowClient(address.uri)
        engine = None if address.database is None else client._tracking_client.store.engine
        store = cls(lab, address, client, artifacts, [notice] if notice else [], engine)
        atexit.register(store.close)  # the last to close brings the write-ahead log into the file
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
        """The store's name in the runs' records; it survives a move of the lab."""
        return "lab" if self.address.is_own else self.address.without_password

    def experiment(self, name: str) -> str:
        """Return the id of an experiment; it is made, or brought back if it was deleted.

        Raises:
            StoreError: the store does not answer.
        """
        with _alone(self.address), talking(self.address):
            found = self.find_experiment(name) or self._make(name)
            if found.lifecycle_stage == "deleted":
                self.client.restore_experiment(found.experiment_id)
                self.notices.append(f"experiment {name} had been deleted in MLflow: restored")
            return str(found.experiment_id)

    def find_experiment(self, name: str) -> Any:
        """Return MLflow's experiment of that name, deleted or not, or None."""
        return self.client.get_experiment_by_name(name)

    def close(self) -> None:
        """Close the connections; the store can still be used, which opens new ones."""
        if self.engine is not None:
            self.engine.dispose()

    def _make(self, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        place = None if self.artifacts is None else (self.artifacts / name).as_uri()
        try:
            self.client.create_experiment(name, artifact_location=place, tags=_KIND)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return self.find_experiment(name)


def fault(lab: Lab) -> str:
    """Return what a look at the store of a lab finds wrong, empty where nothing is.

    It takes no time, and tells nothing of a server.

    Raises:
        StoreError: no store can be at its address.
    """
    address = locate(lab.root)
    try:
        if address.database is not None and address.database.exists():
            check(address.database)
    except sqlite3.Error as error:
        return str(refusal(address, error))
    return ""


def preload() -> None:
    """Import MLflow, quietly and without telemetry; the user's own settings win."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with for_good():
        import_module("mlflow.store.tracking.sqlalchemy_store")
        utils = import_module("mlflow.store.db.utils")
    utils.MAX_RETRY_COUNT = _DATABASE_TRIES  # type: ignore[attr-defined]
    for name in ("alembic", "mlflow", "urllib3"):  # what they tell is told in our own words
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def rebuild(lab: Lab) -> tuple[Store, Path | None]:
    """Set the lab's own store aside and open a new one, which `ablab.tracking.sync` then fills.

    Returns:
        The new store, and where the old one is now.

    Raises:
        StoreError: the lab's own store cannot be made or replaced.
    """
    own = lab.root.resolve() / DATABASE
    address = Address(sqlite_uri(own), own, True)
    with talking(address), _alone(address):
        told = remember_deletions(lab)
        aside = set_aside(own)
    store = Store.open(lab, address.uri)
    store.close()
    store.notices.extend(filter(None, [told]))
    return store, aside


def _prepare(database: Path, artifacts: Path, *, own: bool) -> str | None:
    """Make, check and mend a SQLite store; return what the user should know of it."""
    if own and not database.exists():
        return create(database, artifacts)
    check(database)
    return mend(database, artifacts) if own else None


def _alone(address: Address) -> AbstractContextManager[Any]:
    return nullcontext() if address.database is None else _locked(address, address.database)


@contextmanager
def _locked(address: Address, database: Path) -> Iterator[None]:
    """Hold the lock that processes of ours share for what only one may do at a time."""
    lock = FileLock(database.with_name(f".{database.name}.lock"))
    try:
        lock.acquire(timeout=_LOCK_SECONDS)
    except Timeout:
        raise StoreAwayError(
            f"{address.shown} must be free, got one that another process of ablab has held for "
            f"{_LOCK_SECONDS:.0f} s; `ablab sync` delivers when that has ended"
        ) from None
    except OSError as error:
        raise StoreError(
            f"{database.parent} must be a folder that you may write to, got: {error.strerror}"
        ) from error
    try:
        yield
    finally:
        lock.release()
