"""Live delivery: it keeps up, waits for an absent store, and disturbs nobody."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from recorded import begin, epoch, finish

from ablab.errors import StoreError
from ablab.tracking.courier import Courier
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab, Run
from ablab.tracking.mlflow_runs import mlflow_run_id
from ablab.tracking.store import Store


class Switch:
    """A client that can be away."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.away = False
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        if self.away:
            self.refused += 1
            raise MlflowException("gone", error_code=TEMPORARILY_UNAVAILABLE)
        return getattr(self.client, name)


@pytest.fixture
def switch(store: Store) -> Switch:
    return Switch(store.client)


@pytest.fixture
def courier(store: Store, switch: Switch) -> Iterator[Courier]:
    courier = Courier(lambda: replace(store, client=switch), interval=0.02)
    yield courier
    courier.close(0.1)


def wait_until(truth: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not truth():
        assert time.monotonic() < end
        time.sleep(0.01)


def steps(store: Store, run: Run) -> list[int]:
    run_id = mlflow_run_id(run, store, "s")
    if run_id is None:
        return []
    return [p.step for p in store.client.get_metric_history(run_id, "train/loss")]


def test_a_growing_journal_is_followed(lab: Lab, store: Store, courier: Courier) -> None:
    run = begin(lab, epochs=1)
    courier.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, run) == [0])
    Journal(run.journal).append(epoch(1))
    wait_until(lambda: steps(store, run) == [0, 1])
    finish(run)
    assert courier.close(60) == []
    mlflow_run = store.client.get_run(mlflow_run_id(run, store, "s"))
    assert "completion" in mlflow_run.data.params


def test_what_an_absent_store_missed_is_delivered_when_it_is_back(
    lab: Lab, store: Store, courier: Courier, switch: Switch
) -> None:
    switch.away = True
    runs = [begin(lab, epochs=2, key=key) for key in ("k1", "k2")]
    for run in runs:
        courier.submit(run, "s", name="n", tags={})
    wait_until(lambda: switch.refused > 2)
    finish(runs[0])
    switch.away = False
    wait_until(lambda: all(steps(store, run) == [0, 1] for run in runs))
    assert courier.close(60) == []


def test_what_could_not_be_delivered_is_named_with_the_reason(
    lab: Lab, courier: Courier, switch: Switch
) -> None:
    runs = [begin(lab, epochs=1, key=key) for key in ("k1", "k2")]
    for run in runs:
        courier.submit(run, "s", name="n", tags={})
    switch.away = True
    undelivered = courier.close(0.2)
    assert {u.run for u in undelivered} == set(runs)
    assert all("must answer, got: gone" in u.reason for u in undelivered)


def test_a_store_that_cannot_be_opened_stops_nobody(lab: Lab) -> None:
    def refuse() -> Store:
        raise StoreError("of another schema")

    courier = Courier(refuse, interval=0.01)
    courier.submit(begin(lab), "s", name="n", tags={})
    (undelivered,) = courier.close(0.3)
    assert undelivered.reason == "of another schema"


def test_a_damaged_run_keeps_no_other_back(lab: Lab, store: Store, courier: Courier) -> None:
    damaged, sound = begin(lab, epochs=2, key="k1"), begin(lab, epochs=2, key="k2")
    damaged.journal.write_bytes(damaged.journal.read_bytes().replace(b"train", b"brain", 1))
    for run in (damaged, sound):
        courier.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, sound) == [0, 1])
    (undelivered,) = courier.close(60)
    assert undelivered.run == damaged
    assert "checksum" in undelivered.reason


def test_a_run_that_the_user_deleted_is_told_once(lab: Lab, store: Store, courier: Courier) -> None:
    run = begin(lab, epochs=1)
    courier.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, run) == [0])
    store.client.delete_run(mlflow_run_id(run, store, "s"))
    Journal(run.journal).append(epoch(1))
    found: list[Run] = []

    def told() -> bool:
        found.extend(courier.deleted())
        return bool(found)

    wait_until(told)
    assert found == [run]
    assert courier.deleted() == []
    assert courier.close(60) == []


def test_a_store_that_refuses_for_good_is_asked_once(lab: Lab) -> None:
    asked = []

    def refuse() -> Store:
        asked.append(1)
        raise StoreError("must be a store")

    courier = Courier(refuse, interval=0.01)
    for key in ("k1", "k2"):
        courier.submit(begin(lab, key=key), "s", name="n", tags={})
    wait_until(lambda: asked)
    time.sleep(0.1)
    undelivered = courier.close(60)
    assert [u.reason for u in undelivered] == ["must be a store"] * 2
    assert len(asked) == 1


def test_the_end_asks_an_absent_store_once_more_and_no_longer(
    lab: Lab, courier: Courier, switch: Switch
) -> None:
    switch.away = True
    courier.submit(begin(lab, epochs=1), "s", name="n", tags={})
    wait_until(lambda: switch.refused)
    before = switch.refused
    (undelivered,) = courier.close(60)
    assert "must answer" in undelivered.reason
    assert switch.refused <= before + 2


def test_a_slow_end_says_so_once(lab: Lab, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablab.tracking.courier._QUIET", 0.01)
    go = threading.Event()

    def opened() -> Store:
        go.wait(60)
        return store

    courier, said = Courier(opened, interval=0.01), []
    courier.submit(begin(lab, epochs=1), "s", name="n", tags={})

    def waits() -> None:
        said.append("waits")
        go.set()

    assert courier.close(60, waits) == []
    assert said == ["waits"]
