"""The delivery queue: it follows runs, outlasts a store that is away, and raises nothing."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from recorded import begin, epoch, finish

from ablab.errors import StoreError
from ablab.tracking.background_delivery import Outcome
from ablab.tracking.delivery_queue import DeliveryQueue
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
def outcomes() -> list[Outcome]:
    return []


@pytest.fixture
def delivery(
    store: Store, switch: SwitchableClient, outcomes: list[Outcome]
) -> Iterator[DeliveryQueue]:
    delivery = DeliveryQueue(lambda: replace(store, client=switch), outcomes.append, interval=0.02)
    yield delivery
    delivery.close()


def close(delivery: DeliveryQueue, outcomes: list[Outcome]) -> dict[str, str]:
    """Close the queue and return why the store lacks something, by the run's folder."""
    delivery.close()
    return {each.folder: each.reason for each in outcomes if each.is_last and each.reason}


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
    lab: Lab, store: Store, delivery: DeliveryQueue, outcomes: list[Outcome]
) -> None:
    run = begin(lab, epochs=1)
    delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, run) == [0])
    Journal(run.journal).append(epoch(1))
    wait_until(lambda: steps(store, run) == [0, 1])
    finish(run)
    assert close(delivery, outcomes) == {}
    mlflow_run = store.client.get_run(mlflow_run_id(run, store))
    assert "completion" in mlflow_run.data.params


def test_what_an_unavailable_store_missed_is_delivered_later(
    lab: Lab,
    store: Store,
    delivery: DeliveryQueue,
    switch: SwitchableClient,
    outcomes: list[Outcome],
) -> None:
    switch.is_away = True
    runs = [begin(lab, epochs=2, key=key) for key in ("k1", "k2")]
    for run in runs:
        delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: switch.refused > 2)
    finish(runs[0])
    switch.is_away = False
    wait_until(lambda: all(steps(store, run) == [0, 1] for run in runs))
    assert close(delivery, outcomes) == {}


def test_undelivered_runs_are_returned_with_the_reason(
    lab: Lab, delivery: DeliveryQueue, switch: SwitchableClient, outcomes: list[Outcome]
) -> None:
    runs = [begin(lab, epochs=1, key=key) for key in ("k1", "k2")]
    for run in runs:
        delivery.submit(run, "s", name="n", tags={})
    switch.is_away = True
    undelivered = close(delivery, outcomes)
    assert undelivered.keys() == {str(run.folder) for run in runs}
    assert all("must answer, got: gone" in reason for reason in undelivered.values())


def test_a_store_that_cannot_be_opened_raises_nothing(lab: Lab) -> None:
    def refuse() -> Store:
        raise StoreError("of another schema")

    outcomes: list[Outcome] = []
    delivery = DeliveryQueue(refuse, outcomes.append, interval=0.01)
    delivery.submit(begin(lab), "s", name="n", tags={})
    assert list(close(delivery, outcomes).values()) == ["of another schema"]


def test_a_damaged_run_does_not_delay_others(
    lab: Lab, store: Store, delivery: DeliveryQueue, outcomes: list[Outcome]
) -> None:
    damaged, sound = begin(lab, epochs=2, key="k1"), begin(lab, epochs=2, key="k2")
    damaged.journal.write_bytes(damaged.journal.read_bytes().replace(b"train", b"brain", 1))
    for run in (damaged, sound):
        delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, sound) == [0, 1])
    ((folder, reason),) = close(delivery, outcomes).items()
    assert folder == str(damaged.folder)
    assert "checksum" in reason


def test_a_run_that_the_user_deleted_is_reported_once(
    lab: Lab, store: Store, delivery: DeliveryQueue, outcomes: list[Outcome]
) -> None:
    run = begin(lab, epochs=1)
    delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, run) == [0])
    store.client.delete_run(mlflow_run_id(run, store))
    Journal(run.journal).append(epoch(1))
    wait_until(lambda: any(each.is_deleted for each in outcomes))
    assert close(delivery, outcomes) == {}
    assert [each.folder for each in outcomes if each.is_deleted] == [str(run.folder)]


def test_an_unusable_store_is_opened_once(lab: Lab) -> None:
    attempts = []

    def refuse() -> Store:
        attempts.append(1)
        raise StoreError("must be a store")

    outcomes: list[Outcome] = []
    delivery = DeliveryQueue(refuse, outcomes.append, interval=0.01)
    for key in ("k1", "k2"):
        delivery.submit(begin(lab, key=key), "s", name="n", tags={})
    wait_until(lambda: attempts)
    time.sleep(0.1)
    assert list(close(delivery, outcomes).values()) == ["must be a store"] * 2
    assert len(attempts) == 1


def test_closing_tries_an_unavailable_store_once_more(
    lab: Lab, delivery: DeliveryQueue, switch: SwitchableClient, outcomes: list[Outcome]
) -> None:
    switch.is_away = True
    delivery.submit(begin(lab, epochs=1), "s", name="n", tags={})
    wait_until(lambda: switch.refused)
    before = switch.refused
    (reason,) = close(delivery, outcomes).values()
    assert "must answer" in reason
    assert switch.refused <= before + 2
