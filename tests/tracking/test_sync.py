"""``ablab sync``, and the parent run of a sweep."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from recorded import begin, finish, trial

from ablab.errors import StoreError
from ablab.tracking.address import local_folder
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, Plan, read_plan, write_part
from ablab.tracking.run import Run
from ablab.tracking.spec import Spec
from ablab.tracking.store import Store, rebuild
from ablab.tracking.sweep_run import (
    deliver_report,
    deliver_sweep,
    delivered_runs,
    describe_cell,
)
from ablab.tracking.sync import SyncResult, sync


def plan(lab: Lab, sweep: str, keys: Sequence[str], began: float = 1.6e9) -> Plan:
    cells = tuple(Cell("relu", seed, "mnist", key) for seed, key in enumerate(keys))
    spec = Spec(question=f"Which of {sweep}?", blocks={"mnist": {}})
    part = Part("comparison", began, "ablab sweep", spec, cells, {k: trial(k) for k in keys})
    write_part(lab.sweep_folder(sweep), part)
    result = read_plan(lab.sweep_folder(sweep))
    assert result is not None
    return result


def mlflow_runs(store: Store, experiment: str) -> list[Any]:
    found = store.find_experiment(experiment)
    query = "tags.`ablab.kind` = 'trial'"
    return list(store.client.search_runs([found.experiment_id], query))


def content(store: Store) -> list[Any]:
    """Everything in a store except run ids."""
    rows = []
    for experiment in store.client.search_experiments():
        for mlflow_run in store.client.search_runs([experiment.experiment_id]):
            tags = {n: v for n, v in mlflow_run.data.tags.items() if n != "mirror_of"}
            history = {
                (name, p.step, p.timestamp, p.value)
                for name in mlflow_run.data.metrics
                for p in store.client.get_metric_history(mlflow_run.info.run_id, name)
            }
            folder = local_folder(mlflow_run.info.artifact_uri)
            assert folder is not None
            files = sorted(str(f.relative_to(folder)) for f in folder.rglob("*"))
            info = (
                mlflow_run.info.run_name,
                mlflow_run.info.status,
                mlflow_run.info.start_time,
                mlflow_run.info.end_time,
            )
            mirrors = "mirror_of" in mlflow_run.data.tags
            row = (experiment.name, info, mirrors, sorted(history), files)
            rows.append((row, sorted(mlflow_run.data.params.items()), sorted(tags.items())))
    return sorted(rows)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time, and has its own tests."""
    monkeypatch.setattr("ablab.tracking.artifacts.draw", lambda *_: [])


@pytest.fixture
def full(lab: Lab, make_finished: Callable[..., Run]) -> Lab:
    plan(lab, "poolings", ["k1", "k3"], began=1.6e9 + 5)
    plan(lab, "activations", ["k1", "k2", "absent"])
    for key in ("k1", "k2", "single"):
        make_finished(key)
    begin(lab, epochs=1, key="k3")
    return lab


def test_everything_in_the_lab_is_in_the_store(full: Lab, store: Store) -> None:
    assert sync(full, store) == SyncResult(complete=4, unfinished=1)
    assert {r.data.tags["key"] for r in mlflow_runs(store, "activations")} == {"k1", "k2"}
    assert {r.data.params["key"] for r in mlflow_runs(store, "trials")} == {"single"}
    (dead,) = (r for r in mlflow_runs(store, "poolings") if r.data.tags["key"] == "k3")
    assert dead.info.status == "KILLED"
    assert dead.info.run_name == "relu · seed 1"
    before = content(store)
    assert sync(full, store) == SyncResult(complete=4, unfinished=1)
    assert content(store) == before


def test_a_shared_trial_has_a_mirror_in_the_newer_sweep(full: Lab, store: Store) -> None:
    sync(full, store)
    (own,) = (r for r in mlflow_runs(store, "activations") if r.data.tags["key"] == "k1")
    (mirror,) = (r for r in mlflow_runs(store, "poolings") if r.data.tags["key"] == "k1")
    assert mirror.data.tags["mirror_of"] == own.info.run_id
    assert "mirror_of" not in own.data.tags


def test_a_rebuilt_store_is_equal_and_the_old_one_is_kept(full: Lab, store: Store) -> None:
    sync(full, store)
    before = content(store)
    store.close()
    rebuilt, aside = rebuild(full)
    assert aside is not None
    assert aside.stat().st_size > 0
    assert not experiments(rebuilt)
    sync(full, rebuilt)
    assert content(rebuilt) == before


def experiments(store: Store) -> list[Any]:
    return [e for e in store.client.search_experiments() if e.name != "Default"]


def test_an_older_run_is_tagged_as_superseded(
    lab: Lab, store: Store, make_finished: Callable[..., Run]
) -> None:
    make_finished("k1")
    make_finished("k1")
    sync(lab, store)
    marks = {
        r.data.tags["ablab.take"]: r.data.tags.get("superseded")
        for r in mlflow_runs(store, "trials")
    }
    assert marks == {"k1/001": "002", "k1/002": None}


def test_a_damaged_run_is_named_and_the_others_are_delivered(full: Lab, store: Store) -> None:
    (run,) = full.runs("k2")
    run.journal.write_bytes(run.journal.read_bytes().replace(b"train", b"brain", 1))
    counts = sync(full, store)
    assert counts.failed.keys() == {"activations k2/001"}
    assert counts.complete == 3


def test_a_deleted_run_stays_deleted(full: Lab, store: Store) -> None:
    sync(full, store)
    (own,) = (r for r in mlflow_runs(store, "activations") if r.data.tags["key"] == "k2")
    store.client.delete_run(own.info.run_id)
    assert sync(full, store) == SyncResult(complete=3, unfinished=1, deleted=1)
    complete, deleted = delivered_runs(store.address, "activations")
    assert deleted == {"k2/001"}
    assert complete.keys() == {"k1/001"}


def test_a_deleted_experiment_deletes_no_run(full: Lab, store: Store) -> None:
    sync(full, store)
    before = content(store)
    store.client.delete_experiment(store.find_experiment("activations").experiment_id)
    assert delivered_runs(store.address, "activations") == ({}, set())
    assert sync(full, store) == SyncResult(complete=4, unfinished=1)
    assert content(store) == before


def test_one_query_returns_the_complete_runs(full: Lab, store: Store) -> None:
    sync(full, store)
    assert delivered_runs(store.address, "activations")[0].keys() == {"k1/001", "k2/001"}
    assert delivered_runs(store.address, "poolings")[0].keys() == {"k1/001"}
    assert delivered_runs(store.address, "unknown") == ({}, set())


def test_a_sweep_has_one_parent_run_with_its_question(lab: Lab, store: Store) -> None:
    asked = plan(lab, "activations", ["k1"])
    run_id = deliver_sweep(store, asked)
    assert deliver_sweep(store, asked) == run_id
    mlflow_run = store.client.get_run(run_id)
    assert mlflow_run.data.tags["ablab.kind"] == "sweep"
    assert mlflow_run.data.tags["mlflow.note.content"] == "Which of activations?"
    assert mlflow_run.info.status == "FINISHED"


def test_a_report_is_on_the_parent_run_and_its_verdict_is_kept(lab: Lab, store: Store) -> None:
    asked = plan(lab, "activations", ["k1"])
    forms = {f"report.{form}" for form in ("html", "md", "json", "tex", "pdf")} | {"trials.csv"}
    for name in (*forms, "other.txt"):
        (lab.sweep_folder("activations") / name).write_text("relu")
    folder = lab.sweep_folder("activations")
    run_id = deliver_report(store, "activations", folder, "relu is best")
    assert deliver_sweep(store, asked) == run_id
    mlflow_run = store.client.get_run(run_id)
    assert mlflow_run.data.tags["verdict"] == "relu is best"
    assert mlflow_run.data.tags["mlflow.note.content"].endswith("**relu is best**")
    names = {item.path for item in store.client.list_artifacts(run_id, "report")}
    assert names == {f"report/{form}" for form in forms}


def test_a_report_needs_a_plan(lab: Lab, store: Store) -> None:
    with pytest.raises(StoreError, match="sweep must have a plan in the lab, got nothing"):
        deliver_report(store, "nothing", lab.root, "")


def test_the_name_has_the_block_if_there_are_several(lab: Lab) -> None:
    both = tuple(Cell("relu", 3, block, f"key {block}") for block in ("mnist", "digits"))
    asked = Plan("s", (Part("comparison", time.time(), "", Spec(), both, {}),))
    name, tags = describe_cell(asked, both[1])
    assert name == "relu · seed 3 · digits"
    assert tags == {"sweep": "s", "variant": "relu", "seed": "3", "block": "digits"}


def test_a_killed_and_a_finished_run_of_a_trial_are_counted(lab: Lab, store: Store) -> None:
    begin(lab, epochs=1, key="k1")
    run = begin(lab, epochs=2, key="k1")
    finish(run)
    assert sync(lab, store) == SyncResult(complete=1, unfinished=1)


def test_a_damaged_plan_is_named_and_the_others_are_delivered(full: Lab, store: Store) -> None:
    sync(full, store)
    part = full.sweep_folder("poolings") / "part-001.json"
    part.write_text(part.read_text().replace("Which of poolings?", "Which of anything?"))
    before = content(store)
    counts = sync(full, store)
    assert list(counts.failed) == ["poolings"]
    assert str(part) in counts.failed["poolings"]
    assert counts.complete == 3
    assert content(store) == before  # its trials do not count as outside sweeps
    store.close()
    rebuilt, _ = rebuild(full)
    sync(full, rebuilt)
    assert {r.data.params["key"] for r in mlflow_runs(rebuilt, "trials")} <= {"single"}


def test_a_changed_completion_record_is_named_and_its_mlflow_run_kept(
    full: Lab, store: Store
) -> None:
    sync(full, store)
    before = content(store)
    (run,) = full.runs("k2")
    record = run.folder / "completion.json"
    record.write_text(record.read_text().replace("0.75", "0.95"))
    counts = sync(full, store)
    assert counts.failed.keys() == {"activations k2/001"}
    assert str(record) in counts.failed["activations k2/001"]
    assert content(store) == before


def test_deleted_runs_stay_deleted_in_a_rebuilt_store_until_restored(
    full: Lab, store: Store
) -> None:
    sync(full, store)
    whole = content(store)
    for experiment, key in (("activations", "k2"), ("trials", "single")):
        (mlflow_run,) = (r for r in mlflow_runs(store, experiment) if r.data.tags["key"] == key)
        store.client.delete_run(mlflow_run.info.run_id)
    store.close()
    rebuilt, _ = rebuild(full)
    for _ in range(2):
        assert sync(full, rebuilt) == SyncResult(complete=2, unfinished=1, deleted=2)
    assert {r.data.tags["key"] for r in mlflow_runs(rebuilt, "activations")} == {"k1"}
    rebuilt.close()
    again, _ = rebuild(full)
    assert sync(full, again).deleted == 2
    assert sync(full, again, restore=True) == SyncResult(complete=4, unfinished=1)
    assert content(again) == whole
    assert sync(full, again) == SyncResult(complete=4, unfinished=1)


def test_a_deleted_run_is_restored_in_the_store_that_has_it(full: Lab, store: Store) -> None:
    sync(full, store)
    before = content(store)
    (own,) = (r for r in mlflow_runs(store, "activations") if r.data.tags["key"] == "k2")
    store.client.delete_run(own.info.run_id)
    assert sync(full, store).deleted == 1
    assert sync(full, store, restore=True) == SyncResult(complete=4, unfinished=1)
    assert content(store) == before


def test_a_run_that_was_restored_in_mlflow_is_no_longer_deleted(full: Lab, store: Store) -> None:
    sync(full, store)
    (own,) = (r for r in mlflow_runs(store, "activations") if r.data.tags["key"] == "k2")
    store.client.delete_run(own.info.run_id)
    sync(full, store)
    store.client.restore_run(own.info.run_id)
    assert sync(full, store) == SyncResult(complete=4, unfinished=1)
    store.close()
    rebuilt, _ = rebuild(full)
    assert sync(full, rebuilt) == SyncResult(complete=4, unfinished=1)


def test_runs_that_a_sync_found_deleted_stay_so_if_the_old_store_is_damaged(
    full: Lab, store: Store
) -> None:
    sync(full, store)
    (own,) = (r for r in mlflow_runs(store, "activations") if r.data.tags["key"] == "k2")
    store.client.delete_run(own.info.run_id)
    sync(full, store)
    store.close()
    assert store.database is not None
    store.database.write_bytes(b"no database")
    rebuilt, _ = rebuild(full)
    assert "could not be read from the old store" in rebuilt.notices[-1]
    assert sync(full, rebuilt) == SyncResult(complete=3, unfinished=1, deleted=1)
