"""Stores that an older or a newer MLflow wrote: upgraded after a backup, or refused by name."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from recorded import begin, finish
from test_store_errors import clear_opened_stores

from ablab.cli import main
from ablab.errors import ResourceError, StoreError
from ablab.tracking.address import DATABASE
from ablab.tracking.database import connect
from ablab.tracking.lab import Lab
from ablab.tracking.schema import _links, known_schemas, schema_version
from ablab.tracking.store import Store, preload
from ablab.tracking.store_errors import StoreUnavailableError
from ablab.tracking.sync import SyncResult, sync
from ablab.tracking.upgrade import upgrade_store

# Of MLflow 1, "reset default value for is_nan in metrics table", and of MLflow 2, "add cascading
# deletion to datasets from experiments".
OLD = ["c48cb773bb87", "0584bdc529eb"]
RUN = "0123456789abcdef0123456789abcdef"


def make_old(path: Path, revision: str) -> None:
    """Write a store by MLflow's own migrations up to a revision, with a run as it had then."""
    preload()
    from alembic import command
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    Base.metadata.create_all(engine)
    config: Any = _get_alembic_config(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    artifacts = (path.parent / "artifacts").as_uri()
    with closing(connect(path)) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        insert = "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage)"
        database.execute(f"{insert} VALUES (0, 'Default', '{artifacts}/0', 'active')")
        database.execute(f"{insert} VALUES (1, 'theirs', '{artifacts}/theirs', 'active')")
        database.execute(
            "INSERT INTO runs (run_uuid, user_id, name, source_type, status, start_time, "
            "lifecycle_stage, artifact_uri, experiment_id) "
            "VALUES (?, 'me', 'old', 'LOCAL', 'FINISHED', 5, 'active', ?, 1)",
            (RUN, f"{artifacts}/theirs/{RUN}/artifacts"),
        )
        for table in ("metrics", "latest_metrics"):
            columns = f"{table} (key, value, timestamp, run_uuid, step, is_nan)"
            database.execute(f"INSERT INTO {columns} VALUES ('loss', 0.5, 6, ?, 1, 0)", (RUN,))
        database.execute("INSERT INTO params VALUES ('lr', '0.1', ?)", (RUN,))


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_opened_stores()
    monkeypatch.setattr("ablab.tracking.artifacts.draw", lambda *_: [])


@pytest.mark.parametrize("revision", OLD)
def test_an_older_store_is_refused_unchanged_and_upgraded_on_request(
    lab: Lab, revision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lab.root / DATABASE
    make_old(path, revision)
    finish(begin(lab, epochs=2))
    before = path.read_bytes()
    assert main(["sync"]) == 2
    told = capsys.readouterr().err
    assert f"got an older one ({revision}); `ablab sync --upgrade` upgrades it" in told
    assert path.read_bytes() == before
    assert main(["sync", "--upgrade"]) == 0
    assert "was upgraded; the old store is kept as" in capsys.readouterr().out
    assert schema_version(path) == known_schemas()[0]
    store = Store.open(lab)
    old = store.client.get_run(RUN)
    assert old.data.metrics == {"loss": 0.5}
    assert old.data.params == {"lr": "0.1"}
    (kept,) = (lab.root / "backups").iterdir()
    assert schema_version(kept) == revision
    with closing(sqlite3.connect(kept)) as database:
        assert database.execute("SELECT key, value FROM metrics").fetchall() == [("loss", 0.5)]
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert sync(lab, store) == SyncResult(complete=1)
    assert main(["sync", "--upgrade"]) == 0
    assert "has the schema of the installed MLflow already" in capsys.readouterr().out
    assert len(list((lab.root / "backups").iterdir())) == 1


def test_a_store_of_the_users_is_upgraded_too(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "team.db"
    make_old(path, OLD[-1])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    with pytest.raises(StoreError, match=r"--upgrade` \(MLFLOW_TRACKING_URI names it\)"):
        Store.open(lab)
    _, kept = upgrade_store(lab)
    assert kept is not None
    assert kept.name.startswith("team-")
    assert Store.open(lab).client.get_run(RUN).data.metrics == {"loss": 0.5}


def failing_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the migrations fail after they changed the schema half."""
    from mlflow.store.db import utils

    def fail(engine: Any) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE params")
        raise RuntimeError("a migration failed")

    monkeypatch.setattr(utils, "_upgrade_db", fail)


def losing_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.store.db import utils

    def lose(engine: Any) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM metrics")

    monkeypatch.setattr(utils, "_upgrade_db", lose)


def killed_before_the_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ablab.tracking.upgrade._keep", kill)


def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 0

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Full)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (failing_migration, StoreError),
        (losing_migration, StoreError),
        (killed_before_the_rename, KeyboardInterrupt),
        (full_disk, ResourceError),
    ],
)
def test_a_failed_upgrade_leaves_the_old_store_usable(
    lab: Lab, failure: Any, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lab.root / DATABASE
    make_old(path, OLD[-1])
    with closing(connect(path)) as database:
        before = list(database.iterdump())
    with monkeypatch.context() as patch:
        failure(patch)
        with pytest.raises(error):
            upgrade_store(lab)
    with closing(connect(path)) as database:
        assert list(database.iterdump()) == before
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert not list(lab.root.glob(".*upgrade*"))
    clear_opened_stores()
    upgrade_store(lab)
    assert Store.open(lab).client.get_run(RUN).data.metrics == {"loss": 0.5}


def test_a_store_that_another_program_has_open_is_not_upgraded(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablab.tracking.database._BUSY_SECONDS", 0.1)
    path = lab.root / DATABASE
    make_old(path, OLD[-1])
    with closing(connect(path)) as other:
        other.execute("SELECT count(*) FROM runs").fetchone()
        with pytest.raises(StoreUnavailableError, match="that another process has open"):
            upgrade_store(lab)
        other.execute("UPDATE runs SET name = 'still in use'")
        other.commit()
    upgrade_store(lab)
    assert Store.open(lab).client.get_run(RUN).info.run_name is not None


def test_a_newer_store_is_refused_by_name_and_unchanged(lab: Lab, template: Path) -> None:
    path = lab.root / DATABASE
    shutil.copy(template, path)
    with closing(connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'f00dfeed0001'")
        database.execute("CREATE TABLE of_the_future (name TEXT)")
        database.execute("DROP TABLE latest_metrics")  # MLflow would create it again
    before = path.read_bytes()
    for use in (Store.open, upgrade_store):
        with pytest.raises(StoreError, match=r"got f00dfeed0001, that of a newer MLflow: install"):
            use(lab)
        assert path.read_bytes() == before
    assert not (lab.root / "backups").exists()


def test_a_server_is_not_upgraded(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:1")
    with pytest.raises(StoreError, match="--upgrade must be given for a SQLite store"):
        upgrade_store(lab)


def test_known_schemas_are_those_of_mlflows_migrations() -> None:
    preload()
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config

    directory = ScriptDirectory.from_config(_get_alembic_config(""))
    assert known_schemas() == [each.revision for each in directory.walk_revisions()]


@pytest.mark.parametrize(
    "source",
    [
        "revision = 'b2'\ndown_revision = 'a1'\n",
        'revision: str = "b2"\ndown_revision: Union[str, None] = "a1"\n',
    ],
)
def test_migrations_of_any_version_of_alembic_are_read(source: str) -> None:
    assert _links(source) == ("b2", "a1")
    assert _links(source.replace("'a1'", "None").replace('"a1"', "None")) == ("b2", "")
