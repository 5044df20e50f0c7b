"""Background delivery: it follows runs, outlasts a store that is away, and raises nothing."""

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
from ablab.tracking.background_delivery import BackgroundDelivery
from ablab.tracking.delivery_state import read_states
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store


class SwitchableClient:
    """A client that can be unavailable."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.is_away = False
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        if self.is_away:
            self.refused += 1
            raise MlflowException("gone", error_code=TEMPORARILY_UNAVAILABLE)
        return getattr(self.client, name)


@pytest.fixture
def switch(store: Store) -> SwitchableClient:
    return SwitchableClient(store.client)


@pytest.fixture
def delivery(store: Store, switch: SwitchableClient) -> Iterator[BackgroundDelivery]:
    delivery = BackgroundDelivery(lambda: replace(store, client=switch), interval=0.02)
    yield delivery
    delivery.close(0.1)


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def mlflow_run_id(run: Run, store: Store) -> str:
    return read_states(run, store.label)["s"].run_id


def steps(store: Store, run: Run) -> list[int]:
    if "s" not in read_states(run, store.label):
        return []
    run_id = mlflow_run_id(run, store)
    return [p.step for p in store.client.get_metric_history(run_id, "train/loss")]


def test_a_growing_journal_is_followed(
    lab: Lab, store: Store, delivery: BackgroundDelivery
) -> None:
    run = begin(lab, epochs=1)
    delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, run) == [0])
    Journal(run.journal).append(epoch(1))
    wait_until(lambda: steps(store, run) == [0, 1])
    finish(run)
    assert delivery.close(60) == []
    mlflow_run = store.client.get_run(mlflow_run_id(run, store))
    assert "completion" in mlflow_run.data.params


def test_what_an_unavailable_store_missed_is_delivered_later(
    lab: Lab, store: Store, delivery: BackgroundDelivery, switch: SwitchableClient
) -> None:
    switch.is_away = True
    runs = [begin(lab, epochs=2, key=key) for key in ("k1", "k2")]
    for run in runs:
        delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: switch.refused > 2)
    finish(runs[0])
    switch.is_away = False
    wait_until(lambda: all(steps(store, run) == [0, 1] for run in runs))
    assert delivery.close(60) == []


def test_undelivered_runs_are_returned_with_the_reason(
    lab: Lab, delivery: BackgroundDelivery, switch: SwitchableClient
) -> None:
    runs = [begin(lab, epochs=1, key=key) for key in ("k1", "k2")]
    for run in runs:
        delivery.submit(run, "s", name="n", tags={})
    switch.is_away = True
    undelivered = delivery.close(0.2)
    assert {u.run for u in undelivered} == set(runs)
    assert all("must answer, got: gone" in u.reason for u in undelivered)


def test_a_store_that_cannot_be_opened_raises_nothing(lab: Lab) -> None:
    def refuse() -> Store:
        raise StoreError("of another schema")

    delivery = BackgroundDelivery(refuse, interval=0.01)
    delivery.submit(begin(lab), "s", name="n", tags={})
    (undelivered,) = delivery.close(0.3)
    assert undelivered.reason == "of another schema"


def test_a_damaged_run_does_not_delay_others(
    lab: Lab, store: Store, delivery: BackgroundDelivery
) -> None:
    damaged, sound = begin(lab, epochs=2, key="k1"), begin(lab, epochs=2, key="k2")
    damaged.journal.write_bytes(damaged.journal.read_bytes().replace(b"train", b"brain", 1))
    for run in (damaged, sound):
        delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, sound) == [0, 1])
    (undelivered,) = delivery.close(60)
    assert undelivered.run == damaged
    assert "checksum" in undelivered.reason


def test_a_run_that_the_user_deleted_is_reported_once(
    lab: Lab, store: Store, delivery: BackgroundDelivery
) -> None:
    run = begin(lab, epochs=1)
    delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, run) == [0])
    store.client.delete_run(mlflow_run_id(run, store))
    Journal(run.journal).append(epoch(1))
    deleted: list[Run] = []

    def is_reported() -> bool:
        deleted.extend(delivery.deleted())
        return bool(deleted)

    wait_until(is_reported)
    assert deleted == [run]
    assert delivery.deleted() == []
    assert delivery.close(60) == []


def test_an_unusable_store_is_opened_once(lab: Lab) -> None:
    attempts = []

    def refuse() -> Store:
        attempts.append(1)
        raise StoreError("must be a store")

    delivery = BackgroundDelivery(refuse, interval=0.01)
    for key in ("k1", "k2"):
        delivery.submit(begin(lab, key=key), "s", name="n", tags={})
    wait_until(lambda: attempts)
    time.sleep(0.1)
    undelivered = delivery.close(60)
    assert [u.reason for u in undelivered] == ["must be a store"] * 2
    assert len(attempts) == 1


def test_closing_tries_an_unavailable_store_once_more(
    lab: Lab, delivery: BackgroundDelivery, switch: SwitchableClient
) -> None:
    switch.is_away = True
    delivery.submit(begin(lab, epochs=1), "s", name="n", tags={})
    wait_until(lambda: switch.refused)
    before = switch.refused
    (undelivered,) = delivery.close(60)
    assert "must answer" in undelivered.reason
    assert switch.refused <= before + 2


def test_a_slow_close_calls_on_wait_once(
    lab: Lab, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablab.tracking.background_delivery._QUIET", 0.01)
    go = threading.Event()

    def open_store() -> Store:
        go.wait(60)
        return store

    delivery, calls = BackgroundDelivery(open_store, interval=0.01), []
    delivery.submit(begin(lab, epochs=1), "s", name="n", tags={})

    def on_wait() -> None:
        calls.append("on_wait")
        go.set()

    assert delivery.close(60, on_wait) == []
    assert calls == ["on_wait"]
