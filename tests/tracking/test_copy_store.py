"""``ablab sync --to``: another store receives everything once, and the lab keeps its own."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from recorded import begin, finish
from served import BreakingProxy, mlflow_server
from test_sync import content, mlflow_runs, plan

from ablab.cli import main
from ablab.errors import InputError, StoreError
from ablab.tracking.address import local_folder
from ablab.tracking.copy_runs import COPY_OF
from ablab.tracking.copy_store import CopyResult, copy_store
from ablab.tracking.delivery_state import read_states
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.store_errors import StoreUnavailableError
from ablab.tracking.sweep_run import deliver_report
from ablab.tracking.sync import SyncResult, sync


@pytest.fixture(autouse=True)
def _one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time; without a picture a run counts as incomplete."""

    def draw(_: Run, __: str, folder: Path) -> list[str]:
        (folder / "curve.png").write_bytes(b"picture")
        return ["curve.png"]

    monkeypatch.setattr("ablab.tracking.artifacts.draw", draw)


@pytest.fixture
def full(lab: Lab, store: Store, make_finished: Callable[..., Run]) -> Lab:
    """A lab with two sweeps that share a trial, a single trial, a dead one and a report."""
    plan(lab, "poolings", ["k1", "k3"], began=1.6e9 + 5)
    plan(lab, "activations", ["k1", "k2"])
    for key in ("k1", "k2", "single"):
        make_finished(key)
    begin(lab, epochs=1, key="k3")
    sync(lab, store)
    folder = lab.sweep_folder("activations") / "report"
    folder.mkdir()
    (folder / "report.html").write_text("<p>relu")
    (folder / "report.json").write_text(json.dumps({"verdict": {"sentence": "relu is best"}}))
    deliver_report(store, "activations", folder, "relu is best")
    return lab


def add_foreign_run(store: Store) -> str:
    """Log a run as another program would: a child, an endless metric, an artifact in a folder."""
    client = store.client
    experiment = store.experiment("theirs")
    parent = client.create_run(experiment, 5, {"note": "a study"}, "parent").info.run_id
    child = client.create_run(experiment, 6, {"mlflow.parentRunId": parent}, "child").info.run_id
    for step, value in enumerate((1.0, math.nan, 0.5)):
        client.log_metric(child, "loss", value, timestamp=10 + step, step=step)
    client.log_param(child, "lr", "0.1")
    client.log_text(child, "hello", "notes/deep/hello.txt")
    client.set_terminated(child, "FAILED", 99)
    client.set_terminated(parent, "FINISHED", 100)
    return str(child)


def without_ids(rows: list[Any]) -> list[str]:
    """Leave out what names a run of the other store; text, for NaN equals no NaN."""
    kept = []
    for row, params, tags in rows:
        others = [tag for tag in tags if tag[0] not in (COPY_OF, "mlflow.parentRunId")]
        kept.append(repr((row, params, others)))
    return kept


def written(copied: CopyResult) -> dict[str, int]:
    return dict(+copied.target.logged)


def test_another_store_receives_everything_once(full: Lab, store: Store, tmp_path: Path) -> None:
    add_foreign_run(store)
    before = content(store)
    uri = f"sqlite:///{tmp_path / 'team' / 'runs.db'}"
    (tmp_path / "team").mkdir()
    first = copy_store(full, uri)
    assert first.delivered == SyncResult(complete=4, unfinished=1)
    assert not first.failed
    assert written(first)["runs"] == len(before) == 9
    assert without_ids(content(first.target)) == without_ids(before)
    again = copy_store(full, uri)
    assert written(again) == {}
    assert without_ids(content(again.target)) == without_ids(before)
    assert repr(content(store)) == repr(before)


def test_the_lab_keeps_its_store(full: Lab, store: Store, tmp_path: Path) -> None:
    runs = [run for key in ("k1", "k2", "k3", "single") for run in full.runs(key)]
    states = {run: read_states(run, store.label) for run in runs}
    copy_store(full, f"sqlite:///{tmp_path / 'other.db'}")
    assert states == {run: read_states(run, store.label) for run in states}
    assert sync(full, store) == SyncResult(complete=4, unfinished=1)
    assert store.logged["runs"] == 7  # those of the fixture


def test_the_report_and_the_verdict_are_copied(full: Lab, store: Store, tmp_path: Path) -> None:
    target = copy_store(full, f"sqlite:///{tmp_path / 'other.db'}").target
    experiment = target.find_experiment("activations").experiment_id
    (parent,) = target.client.search_runs([experiment], "tags.`ablab.kind` = 'sweep'")
    assert parent.data.tags["verdict"] == "relu is best"
    names = {item.path for item in target.client.list_artifacts(parent.info.run_id, "report")}
    assert names == {"report/report.html", "report/report.json"}


def test_runs_whose_folders_are_gone_are_copied(full: Lab, store: Store, tmp_path: Path) -> None:
    before = content(store)
    for name in ("trials", "sweeps"):
        (full.root / name).rename(full.root / f"old-{name}")
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    first = copy_store(full, uri)
    assert written(first)["runs"] == len(before) == 7
    assert without_ids(content(first.target)) == without_ids(before)
    (own,) = (r for r in mlflow_runs(first.target, "activations") if r.data.tags["key"] == "k1")
    (mirror,) = (r for r in mlflow_runs(first.target, "poolings") if r.data.tags["key"] == "k1")
    assert mirror.data.tags["mirror_of"] == own.info.run_id
    assert written(copy_store(full, uri)) == {}


def test_a_copied_run_that_goes_on_is_brought_up_to_date(
    lab: Lab, store: Store, tmp_path: Path
) -> None:
    child = add_foreign_run(store)
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    copy_store(lab, uri)
    store.client.update_run(child, status="RUNNING")
    store.client.log_metric(child, "loss", 0.25, timestamp=20, step=9)
    store.client.set_tag(child, "stage", "late")
    store.client.log_text(child, "hello again", "notes/deep/hello.txt")
    store.client.set_terminated(child, "FINISHED", 101)
    again = copy_store(lab, uri)
    assert written(again) == {"values": 1, "artifacts": 1}
    assert without_ids(content(again.target)) == without_ids(content(store))


def test_an_interrupted_copy_continues(
    lab: Lab, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_foreign_run(store)
    uri = f"sqlite:///{tmp_path / 'other.db'}"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ablab.tracking.copy_runs.RunCopier._copy_artifact", stop)
        with pytest.raises(KeyboardInterrupt):
            copy_store(lab, uri)
    again = copy_store(lab, uri)
    assert written(again) == {"artifacts": 1}
    assert without_ids(content(again.target)) == without_ids(content(store))


def test_what_a_user_added_to_a_run_in_mlflow_is_copied(
    full: Lab, store: Store, tmp_path: Path
) -> None:
    (run,) = (r for r in mlflow_runs(store, "activations") if r.data.tags["key"] == "k2")
    store.client.set_tag(run.info.run_id, "mlflow.note.content", "look at this one")
    store.client.log_text(run.info.run_id, "mine", "mine.txt")
    target = copy_store(full, f"sqlite:///{tmp_path / 'other.db'}").target
    (copy,) = (r for r in mlflow_runs(target, "activations") if r.data.tags["key"] == "k2")
    assert copy.data.tags["mlflow.note.content"] == "look at this one"
    assert COPY_OF not in copy.data.tags
    assert "mine.txt" in {item.path for item in target.client.list_artifacts(copy.info.run_id)}


def test_runs_that_were_deleted_are_not_copied(full: Lab, store: Store, tmp_path: Path) -> None:
    (run,) = (r for r in mlflow_runs(store, "activations") if r.data.tags["key"] == "k2")
    store.client.delete_run(run.info.run_id)
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    first = copy_store(full, uri)
    assert first.deleted == 1
    assert first.delivered == SyncResult(complete=3, unfinished=1)
    assert {r.data.tags["key"] for r in mlflow_runs(first.target, "activations")} == {"k1"}
    (there,) = mlflow_runs(first.target, "trials")
    first.target.client.delete_run(there.info.run_id)
    again = copy_store(full, uri)
    assert again.delivered.deleted == 1
    assert written(again) == {}
    assert copy_store(full, uri, restore=True).delivered.deleted == 0
    assert len(mlflow_runs(again.target, "trials")) == 1


def test_a_damaged_trial_is_named_and_its_mlflow_run_copied(
    full: Lab, store: Store, tmp_path: Path
) -> None:
    (run,) = full.runs("k2")
    run.journal.write_bytes(run.journal.read_bytes().replace(b"train", b"brain", 1))
    copied = copy_store(full, f"sqlite:///{tmp_path / 'other.db'}")
    assert copied.failed.keys() == {"activations k2/001"}
    assert {r.data.tags["key"] for r in mlflow_runs(copied.target, "activations")} == {"k1", "k2"}


def test_a_copy_back_makes_no_second_run(lab: Lab, store: Store, tmp_path: Path) -> None:
    add_foreign_run(store)
    before = content(store)
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    copy_store(lab, uri)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        back = copy_store(lab, store.uri)
        assert back.seen["foreign"] == 2  # from a shared store, only runs of ablab
    assert repr(content(store)) == repr(before)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sqlite:///{lab}/mlflow.db", "--to must name another store than the one that the lab"),
        ("sqlite:///{lab}/missing/x.db", "--to must name a file in a folder that exists"),
        ("sqlite:///:memory:", "--to must name one file"),
        ("ftp://somewhere", "--to must be http://SERVER"),
        ("http://127.0.0.1:1", "must answer"),
    ],
)
def test_a_target_that_cannot_be_filled_is_refused(
    full: Lab, store: Store, uri: str, message: str
) -> None:
    before = content(store)
    with pytest.raises((InputError, StoreError), match=message):
        copy_store(full, uri.format(lab=full.root))
    assert repr(content(store)) == repr(before)


def test_a_target_is_not_created_if_the_source_does_not_answer(
    full: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with pytest.raises(StoreError, match="must answer"):
        copy_store(full, f"sqlite:///{tmp_path / 'other.db'}")
    assert not (tmp_path / "other.db").exists()


def test_a_lab_without_a_store_is_copied_from_its_journals(
    lab: Lab, make_finished: Callable[..., Run], tmp_path: Path
) -> None:
    make_finished("k1")
    copied = copy_store(lab, f"sqlite:///{tmp_path / 'other.db'}")
    assert copied.delivered == SyncResult(complete=1)
    assert not (lab.root / "mlflow.db").exists()


def test_the_command_says_what_it_copied(
    full: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    assert main(["sync", "--to", uri]) == 0
    assert "other.db: MLflow runs 7, values " in capsys.readouterr().out
    assert main(["sync", "--to", uri]) == 0
    assert f"nothing was copied: {tmp_path / 'other.db'} has everything" in capsys.readouterr().out
    for other in ("--rebuild", "--upgrade"):
        assert main(["sync", "--to", uri, other]) == 2
        assert "must be given alone" in capsys.readouterr().err


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("server")) as uri:
        yield uri


@pytest.mark.slow
def test_a_server_is_filled_and_copied_back(
    full: Lab, store: Store, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(store)
    first = copy_store(full, server)
    assert written(first)["runs"] == 7
    assert not first.failed
    assert written(copy_store(full, server)) == {}
    # A new lab that has nothing on disk is filled from the server.
    other = Lab.open(tmp_path / "other")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    own = f"sqlite:///{other.root / 'mlflow.db'}"
    back = copy_store(other, own)
    assert without_ids(content(back.target)) == without_ids(before)
    assert written(copy_store(other, own)) == {}
    assert local_folder(mlflow_runs(back.target, "trials")[0].info.artifact_uri)


@pytest.mark.slow
def test_an_upload_that_breaks_off_is_repeated(lab: Lab, server: str, tmp_path: Path) -> None:
    finish(begin(lab, epochs=2, key="broken"), weights=bytes(3_000_000))
    with BreakingProxy(server) as proxy:
        store = Store.open(lab, proxy.uri)
        proxy.break_after(1_000_000)
        with suppress(StoreUnavailableError):
            assert not sync(lab, store).complete
        assert "completion" not in of_key(store, "broken").data.params
        proxy.break_after(None)
        assert sync(lab, store) == SyncResult(complete=1)
        there = of_key(store, "broken")
        folder = tmp_path / "down"
        folder.mkdir()
        store.client.download_artifacts(there.info.run_id, "last.safetensors", str(folder))
        assert (folder / "last.safetensors").read_bytes() == bytes(3_000_000)


def of_key(store: Store, key: str) -> Any:
    (run,) = (run for run in mlflow_runs(store, "trials") if run.data.tags["key"] == key)
    return run
