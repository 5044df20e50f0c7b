"""Where runs go: the lab's own SQLite store or the server that ``MLFLOW_TRACKING_URI`` names.

MLflow is imported late, by `preload`, with telemetry off and with short time limits, so that
a dead server is found out in seconds. Only its client is used, never its fluent interface.

A store that was opened must not cross a fork: SQLite connections do not survive one. Sweeps
keep to that by forking trials from a server that imports MLflow and opens no store.
"""

import atexit
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock

from ablab.errors import StoreError
from ablab.importing import for_good
from ablab.tracking.database import create, mend, set_aside
from ablab.tracking.lab import Lab

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
# MLflow's pages then show training runs, not the tools for language models.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
_SQLITE = "sqlite:///"
_REMEDY = (
    "must be a store with the schema of the MLflow that is installed (`ablab sync --rebuild` "
    "makes the lab's own anew from its trials; `mlflow db upgrade` alters one of an older version)"
)
_UNREADABLE = ("database schema", "Can't locate revision", "not a database", "no such table")


class StoreAwayError(StoreError):
    """A store that does not answer now; later it may."""


@dataclass(frozen=True)
class Store:
    """An open store.

    Attributes:
        lab: the lab whose trials go there.
        uri: MLflow's tracking URI.
        client: an ``MlflowClient``.
        artifacts: the folder under which new experiments keep theirs; None: as the server says.
        database: the SQLite file, or None.
        notices: what the user should be told: a lab that was moved, a restored experiment.
    """

    lab: Lab
    uri: str
    client: Any
    artifacts: Path | None
    database: Path | None
    notices: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, lab: Lab, uri: str | None = None) -> "Store":
        """Return the store at ``uri`` (default: ``MLFLOW_TRACKING_URI``, else the lab's own).

        A SQLite store is made if there is none; a server is not called yet.

        Raises:
            StoreError: it cannot be used; the message says what to do.
        """
        preload()
        from mlflow import MlflowClient

        uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{lab.root / DATABASE}"
        database = Path(uri.removeprefix(_SQLITE)).resolve() if uri.startswith(_SQLITE) else None
        if database is None:
            served = urlsplit(uri).scheme in ("http", "https")
            artifacts = None if served else lab.root.resolve() / ARTIFACTS
            with talking(uri):
                return cls(lab, uri, MlflowClient(uri), artifacts, None)
        artifacts, uri = database.parent / ARTIFACTS, f"{_SQLITE}{database}"
        own = database.parent == lab.root.resolve()
        with _alone(database), talking(uri):
            notice = mend(database, artifacts) if database.exists() and own else None
            if not database.exists():
                notice = create(database, artifacts)
            client = MlflowClient(uri)
        store = cls(lab, uri, client, artifacts, database, [notice] if notice else [])
        atexit.register(store.close)  # the last to close brings the write-ahead log into the file
        return store

    @property
    def label(self) -> str:
        """The store's name in the takes' records; it survives a move of the lab."""
        if self.database is not None and self.database.parent == self.lab.root.resolve():
            return "lab"
        return _without_password(self.uri)

    def experiment(self, name: str) -> str:
        """Return the id of an experiment; it is made, or brought back if it was deleted.

        Raises:
            StoreError: the store does not answer.
        """
        with self._alone(), talking(self.uri):
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
        if self.database is not None:
            self.client._tracking_client.store.engine.dispose()

    def _make(self, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        place = None if self.artifacts is None else (self.artifacts / name).as_uri()
        try:
            self.client.create_experiment(name, artifact_location=place, tags=_KIND)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return self.find_experiment(name)

    def _alone(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.database is None else _alone(self.database)


def preload() -> None:
    """Import MLflow, quietly and without telemetry; the user's own settings win."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with for_good():
        import_module("mlflow.store.tracking.sqlalchemy_store")
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)


def rebuild(lab: Lab) -> tuple[Store, Path | None]:
    """Set the lab's own store aside and open a new one, which `ablab.tracking.sync` then fills.

    Returns:
        The new store, and where the old one is now.
    """
    with _alone(lab.root.resolve() / DATABASE):
        aside = set_aside(lab.root.resolve() / DATABASE)
    store = Store.open(lab, f"{_SQLITE}{lab.root / DATABASE}")
    store.close()
    return store, aside


@contextmanager
def talking(uri: str) -> Iterator[None]:
    """Turn whatever a store's absence or refusal raises into a `StoreError` of one line."""
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, requests.RequestException) as error:
        text, place = " ".join(str(error).split())[:300], _without_password(uri)
        if any(sign in text for sign in _UNREADABLE):
            raise StoreError(f"{place} {_REMEDY}: {text}") from error
        busy = getattr(error, "error_code", "") == "TEMPORARILY_UNAVAILABLE"
        if busy or "API request" in text or isinstance(error, requests.RequestException):
            raise StoreAwayError(f"{place} must answer, got: {text}") from error
        raise StoreError(f"{place} must accept what it is sent, got: {text}") from error


def _alone(database: Path) -> AbstractContextManager[Any]:
    database.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(database.with_name(f".{database.name}.lock"))


def _without_password(uri: str) -> str:
    return re.sub(r"//[^/@]*@", "//", uri)
