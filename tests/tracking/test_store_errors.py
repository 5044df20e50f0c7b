"""Errors of stores: soon, in one line, with a remedy that works."""

import logging
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking._tracking_service.utils import _tracking_store_registry
from recorded import begin, finish

from ablab.errors import StoreError
from ablab.tracking import database
from ablab.tracking.address import DATABASE, Address
from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store, fault, rebuild
from ablab.tracking.store_errors import StoreUnavailableError, to_store_error, translate_errors
from ablab.tracking.sync import SyncResult, sync

HTML = ("text/html", b"<html><body>Sign in, please</body></html>")
JSON = "application/json"


@pytest.fixture
def server() -> Iterator[Callable[[int, str, bytes], str]]:
    """Run a server with the same answer to every request; yield a function to set it."""
    answer: list[tuple[int, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = answer[-1]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "/login")
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()

        def start(status: int, kind: str, body: bytes) -> str:
            answer.append((status, kind, body))
            return f"http://127.0.0.1:{serving.server_port}"

        yield start
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "message", "is_unavailable"),
    [
        ((401, *HTML), "must grant write access, got 401; set MLFLOW_TRACKING_USERNAME", False),
        ((403, *HTML), "must grant write access, got 403; set MLFLOW_TRACKING_USERNAME", False),
        (
            (403, JSON, b'{"error_code": "PERMISSION_DENIED", "message": "Permission denied"}'),
            "must grant write access, got 403",
            False,
        ),
        ((404, *HTML), "must be an MLflow server, got status 404", False),
        ((405, *HTML), "must be an MLflow server, got status 405", False),
        ((302, *HTML), "must be an MLflow server, got an answer that is not MLflow's", False),
        ((200, *HTML), "must be an MLflow server, got an answer that is not MLflow's", False),
        ((200, JSON, b"[]"), "must be an MLflow server, got an answer that is not MLflow's", False),
        ((500, *HTML), "must answer, got status 500", True),
        ((503, *HTML), "must answer, got status 503", True),
        ((429, *HTML), "must answer, got status 429", True),
    ],
)
def test_an_answer_of_a_server_is_translated(
    lab: Lab,
    server: Callable[[int, str, bytes], str],
    answer: tuple[int, str, bytes],
    message: str,
    is_unavailable: bool,
) -> None:
    store = Store.open(lab, server(*answer))
    with pytest.raises(StoreError) as refused:
        store.experiment("trials")
    assert message in str(refused.value)
    assert isinstance(refused.value, StoreUnavailableError) == is_unavailable
    for text in ("<html>", "api/2.0", "Response body", "HTTPConnectionPool", "mlflow."):
        assert text not in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://127.0.0.1:1", "must answer, got: Connection refused"),
        ("http://nobody.invalid:5", "must answer, got: unknown host name"),
    ],
)
def test_an_unavailable_server_is_named_with_the_cause(lab: Lab, uri: str, message: str) -> None:
    with pytest.raises(StoreUnavailableError, match=f"{uri} {message}$"):
        Store.open(lab, uri).experiment("trials")


def _malformed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:4096] = bytes(3996)
    path.write_bytes(content)


def _other_schema(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'f00'")


def _other_tables(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE cats (name TEXT)")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "something").touch()


def clear_opened_stores() -> None:
    """Clear MLflow's cache of opened stores."""
    _tracking_store_registry._get_store_with_resolved_uri.cache_clear()
    SqlAlchemyStore._engine_map.clear()


BROKEN = {
    "no database": lambda path: path.write_bytes(b"no database at all" * 99),
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "malformed": _malformed,
    "other schema": _other_schema,
    "other tables": _other_tables,
    "a folder": _folder,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_the_remedy_for_the_labs_own_store_works(
    kind: str,
    store: Store,
    make_finished: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("ablab.tracking.artifacts.draw", lambda *_: [])
    make_finished()
    store.close()
    assert store.database is not None
    BROKEN[kind](store.database)
    clear_opened_stores()
    with pytest.raises(StoreError, match=r"mlflow.db must .*`ablab sync --rebuild`") as refused:
        sync(store.lab, Store.open(store.lab))
    assert not isinstance(refused.value, StoreUnavailableError)
    clear_opened_stores()
    again, aside = rebuild(store.lab)
    assert sync(store.lab, again) == SyncResult(complete=1)
    assert aside is not None
    assert aside.exists()
    assert not [record for record in caplog.records if record.name.startswith(("mlflow", "alemb"))]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_sqlite_store_of_the_users_is_not_changed(
    kind: str, lab: Lab, template: Path
) -> None:
    other = lab.root.parent / "team.db"
    shutil.copy(template, other)
    BROKEN[kind](other)
    before = None if other.is_dir() else other.read_bytes()
    with pytest.raises(StoreError, match=r"MLFLOW_TRACKING_URI|team.db must") as refused:
        Store.open(lab, f"sqlite:///{other}").experiment("trials")
    assert "--rebuild" not in str(refused.value)
    assert before is None or other.read_bytes() == before


def test_a_race_of_two_writers_passes(store: Store) -> None:
    """Several sweeps that begin at once set the first tags of one experiment."""
    text = "UNIQUE constraint failed: experiment_tags.key, experiment_tags.experiment_id"
    with pytest.raises(StoreUnavailableError), translate_errors(store.address):
        raise sqlite3.IntegrityError(text)


def test_a_locked_store_is_reported_soon_and_used_later(
    store: Store, make_finished: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    assert store.database is not None
    with closing(sqlite3.connect(store.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "another process has locked" in fault(store.lab)
        with pytest.raises(
            StoreUnavailableError, match="must be free, got one that another process"
        ):
            Store.open(store.lab)
    assert fault(store.lab) == ""
    assert deliver(make_finished(), Store.open(store.lab), "t", name="n", tags={}).complete


def test_waiting_for_another_process_of_ablab_has_a_limit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablab.tracking.store._LOCK_SECONDS", 0.1)
    from filelock import FileLock

    other = FileLock(store.lab.root / f".{DATABASE}.lock", is_singleton=False)
    with other, pytest.raises(StoreUnavailableError, match="another process of ablab has held"):
        Store.open(store.lab)


@pytest.mark.parametrize(
    ("error", "message", "is_unavailable"),
    [
        ("attempt to write a readonly database", "must be a file with write permission", False),
        ("database or disk is full", "must have free disk space", True),
        ("database is locked", "must be free", True),
        ("database disk image is malformed", "--rebuild", False),
        ("no such table: runs", "--rebuild", False),
    ],
)
def test_an_error_of_sqlite_is_translated_with_the_remedy(
    tmp_path: Path, error: str, message: str, is_unavailable: bool
) -> None:
    own = Address("sqlite:///x", tmp_path / DATABASE, True)
    translated = to_store_error(
        own, sqlite3.OperationalError(f"{error} [SQL: INSERT 'is locked no such']")
    )
    assert message in str(translated)
    assert isinstance(translated, StoreUnavailableError) == is_unavailable
    assert "SQL:" not in str(translated)


def test_values_in_the_sql_statement_are_no_sign_of_damage(tmp_path: Path) -> None:
    own = Address("sqlite:///x", tmp_path / DATABASE, True)
    error = sqlite3.IntegrityError("UNIQUE failed [SQL: INSERT] [parameters: 'not a database']")
    assert "--rebuild" not in str(to_store_error(own, error))


def test_mlflow_tries_a_database_twice_and_logs_nothing() -> None:
    from ablab.tracking.store import preload

    preload()
    from mlflow.store.db import utils

    assert utils.MAX_RETRY_COUNT <= 2
    assert not logging.getLogger("mlflow").isEnabledFor(logging.CRITICAL)


def test_a_store_in_a_folder_without_permission_is_named(
    lab: Lab, make_finished: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    finish(begin(lab))
    monkeypatch.setattr("ablab.tracking.store.FileLock.acquire", refuse)
    with pytest.raises(StoreError, match="must be a folder with write permission, got: Perm"):
        Store.open(lab)
