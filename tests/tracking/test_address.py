"""Addresses: every character of a path is kept, and an address without a store is refused."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from recorded import begin, finish

from ablab.errors import StoreError
from ablab.tracking.address import (
    DATABASE,
    hide_password,
    local_folder,
    locate,
    sqlite_path,
    sqlite_uri,
)
from ablab.tracking.delivery import deliver
from ablab.tracking.foreign import ForeignStore
from ablab.tracking.lab import Lab
from ablab.tracking.store import Store, rebuild
from ablab.tracking.store_errors import to_store_error
from ablab.tracking.sync import sync

ODD = [
    "what?",
    "a?b=c&d",
    "#1",
    "100%41",
    "a&b",
    "my lab",
    "a;b",
    "k=v",
    "me@home",
    "c:d",
    "it's",
    'say "x"',
    "back\\slash",
    "Größe 漢字 🙂",
    "two\nlines",
    "tab\there",
    "all ?#%&;=@:'\"\\ é",
    "[x]{y}~$+*",
    os.fsdecode(b"bytes\xff"),
]


@pytest.mark.parametrize("name", ODD)
def test_a_sqlite_uri_gives_its_path(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / DATABASE
    path.parent.mkdir()
    path.touch()
    assert sqlite_path(sqlite_uri(path)) == path
    assert local_folder(path.parent.as_uri()) == path.parent


@pytest.mark.parametrize("name", [*ODD[:-1], "deep/" * 60 + "end"])
def test_a_lab_at_any_path_has_its_store_and_artifacts_inside(
    name: str, tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    lab = Lab.open(outside / name)
    shutil.copy(template, lab.root / DATABASE)  # its addresses are corrected
    monkeypatch.setattr("ablab.tracking.artifacts.draw", lambda *_: [])
    run = begin(lab)
    finish(run)
    store = Store.open(lab)
    done = deliver(run, store, "trials", name="n", tags={})
    mlflow_run = store.client.get_run(done.run_id)
    folder = local_folder(mlflow_run.info.artifact_uri)
    assert folder is not None
    assert folder.is_relative_to(lab.root.resolve())
    assert "completion.json" in {item.path for item in store.client.list_artifacts(done.run_id)}
    store.close()
    assert {path.name for path in outside.iterdir()} == {name.partition("/")[0]}


def test_a_path_too_long_for_sqlite_is_refused_with_the_limit(
    tmp_path: Path, template: Path
) -> None:
    lab = Lab.open(tmp_path / ("deep/" * 120) / "lab")
    shutil.copy(template, lab.root / DATABASE)
    with pytest.raises(
        StoreError, match=r"must be a path of at most 500 bytes, the limit of SQLite"
    ):
        Store.open(lab)


def test_a_store_is_created_at_a_path_with_a_question_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lab = Lab.open(tmp_path / "what?" / "lab")
    assert Store.open(lab).experiment("trials")
    again, aside = rebuild(lab)
    assert again.experiment("trials")
    assert aside is not None
    assert aside.parent == lab.root
    assert {path.name for path in tmp_path.iterdir()} == {"what?"}


def test_a_lab_and_a_link_to_it_have_one_store(store: Store, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(store.lab.root)
    linked = Store.open(Lab(link))
    assert (linked.label, linked.database) == (store.label, store.database)
    begin(store.lab, epochs=1)
    assert sync(Lab(link), linked) == sync(store.lab, store)
    assert len(linked.client.search_runs([linked.experiment("trials")])) == 1


@pytest.mark.parametrize(
    "uri",
    [
        "./mlrunz",
        "mlrunz",
        "file:./mlrunz",
        "file:///nowhere/mlrunz",
        "sqlite:///nowhere/x.db",
        "sqlite:////nowhere/x.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///new.db?timeout=5",
        "sqlite+pysqlite:///file:new.db?uri=true",
        "htp://server",
        "http:/server",
        "https://",
        "http://[::1",
        "ftp://server",
        "s3://bucket",
        " ",
    ],
)
def test_a_mistyped_store_is_refused_by_name_and_not_created(
    uri: str, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for opened in (lambda: Store.open(lab), ForeignStore):
        with pytest.raises(StoreError, match="MLFLOW_TRACKING_URI must") as refused:
            opened()
        assert uri in str(refused.value)
    assert not list(Path.cwd().iterdir())
    assert not (lab.root / DATABASE).exists()


@pytest.mark.parametrize(
    "uri",
    ["http://server:5000", "https://server/path", "postgresql://u:p@h/db", "databricks"],
)
def test_addresses_of_servers_are_not_changed(uri: str, tmp_path: Path) -> None:
    address = locate(tmp_path, uri)
    assert (address.uri, address.database, address.is_own) == (uri, None, False)


def test_a_folder_of_runs_is_refused_with_the_command_that_converts_it(tmp_path: Path) -> None:
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"mlflow migrate-filestore --source .*mlruns --target"):
        locate(tmp_path, str(tmp_path / "mlruns"))


def test_options_of_a_sqlite_uri_differ_from_names_with_a_question_mark(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.db").touch()
    assert sqlite_path(f"sqlite:///{tmp_path}/a.db?timeout=9") == tmp_path / "a.db"
    (tmp_path / "a.db?timeout=9").touch()
    with pytest.raises(StoreError, match="both exist"):
        sqlite_path(f"sqlite:///{tmp_path}/a.db?timeout=9")


def test_the_labs_own_store_may_be_named_before_it_exists(lab: Lab) -> None:
    assert Store.open(lab, f"sqlite:///{lab.root / DATABASE}").label == "lab"
    with sqlite3.connect(lab.root / DATABASE) as database:
        assert database.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://ann:hidden@lab:5000/x", "https://lab:5000/x"),
        ("https://ann:hid@den@lab", "https://lab"),
        ("https://ann:hid/den@lab", "https://lab"),
        ("postgresql+psycopg://ann:hid:den@db/runs", "postgresql+psycopg://db/runs"),
        ("postgresql://db/runs?user=a&password=hidden", "postgresql://db/runs?user=a&password=…"),
        ("https://lab:5000/a@b", "https://lab:5000/a@b"),
        ("sqlite:////data/a@b/mlflow.db", "sqlite:////data/a@b/mlflow.db"),
    ],
)
def test_no_part_of_a_password_is_shown(uri: str, shown: str) -> None:
    assert hide_password(uri) == shown


@pytest.mark.parametrize("uri", ["htp://ann:hidden@lab", "http://ann:hidden@[::1", "a:hidden@lab"])
def test_a_refused_address_is_named_without_its_password(uri: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="MLFLOW_TRACKING_URI must") as refused:
        locate(tmp_path, uri)
    assert "hidden" not in str(refused.value)


def test_errors_of_a_server_are_passed_on_without_its_password(tmp_path: Path) -> None:
    address = locate(tmp_path, "http://ann:hid/den@lab:5000")
    for text in (f"{address.uri}/api failed", "http://ann:hidden@lab/api failed"):
        assert "hid" not in str(to_store_error(address, RuntimeError(text)))
