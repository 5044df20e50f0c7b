"""MLflow runs of other programs, read from a store that is not written to."""

import math
from pathlib import Path

import pytest

from ablab.errors import StoreError
from ablab.tracking.foreign import ForeignStore
from ablab.tracking.store import Store


def add(store: Store, experiment: str, name: str, start: int, **values: object) -> str:
    identity = store.experiment(experiment)
    run = store.client.create_run(identity, start, {"model": name}, name)
    for key, value in values.items():
        store.client.log_param(run.info.run_id, key, value)
    return str(run.info.run_id)


def test_runs_are_sorted_by_start_and_have_names(store: Store) -> None:
    add(store, "nets", "late", 9000, seed=1)
    early = add(store, "nets", "early", 5000, seed=2)
    add(store, "others", "not asked for", 1000)
    store.client.log_metric(early, "acc", 0.5, step=0)
    store.client.log_metric(early, "acc", 0.75, step=1)
    store.client.set_terminated(early, "FINISHED", 7000)
    first, second = ForeignStore(store.uri).runs("nets")
    assert (first.name, second.name) == ("early", "late")
    assert (first.start, first.end, first.status) == (5.0, 7.0, "FINISHED")
    assert second.status == "RUNNING"
    assert math.isnan(second.end)
    assert first.metrics == {"acc": 0.75}
    assert first.field("tags.model") == "early"
    assert first.field("params.seed") == "2"
    assert first.field("params.none") is None


def test_a_curve_has_the_last_value_of_each_step_in_order(store: Store) -> None:
    run = add(store, "nets", "a", 5000)
    for value, time, step in ((0.5, 3, 1), (0.1, 1, 0), (0.2, 2, 0), (math.inf, 4, 2)):
        store.client.log_metric(run, "val_acc", value, timestamp=time, step=step)
    assert ForeignStore(store.uri).curve(run, "val_acc") == (0.2, 0.5, math.inf)


def test_several_pages_of_runs_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablab.tracking.foreign._PAGE", 2)
    for i in range(5):
        add(store, "nets", f"run {i}", 1000 + i)
    assert [r.name for r in ForeignStore(store.uri).runs("nets")] == [f"run {i}" for i in range(5)]


def test_deleted_runs_are_not_read(store: Store) -> None:
    store.client.delete_run(add(store, "nets", "gone", 1000))
    assert ForeignStore(store.uri).runs("nets") == []


def test_an_unknown_experiment_is_an_error_that_names_the_known_ones(store: Store) -> None:
    add(store, "nets", "a", 1000)
    with pytest.raises(ValueError, match="experiment must be one of Default, nets; got nest"):
        ForeignStore(store.uri).runs("nest")


def test_a_missing_store_is_not_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "none.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    with pytest.raises(
        StoreError, match="MLFLOW_TRACKING_URI must name a SQLite store that exists"
    ):
        ForeignStore()
    assert not path.exists()


def test_the_labs_own_store_is_the_default(store: Store) -> None:
    add(store, "nets", "a", 1000)
    assert [run.name for run in ForeignStore().runs("nets")] == ["a"]
