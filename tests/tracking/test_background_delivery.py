"""Background delivery: a process follows runs, and nothing of it is lost or outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from recorded import begin, epoch, finish

from ablab.errors import StoreError
from ablab.tracking.background_delivery import BackgroundDelivery
from ablab.tracking.delivery_state import read_states
from ablab.tracking.files import is_alive
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store

PARENT = """
import sys, time
from pathlib import Path
from ablab.tracking.background_delivery import BackgroundDelivery
from ablab.tracking.lab import Lab
delivery = BackgroundDelivery(Lab(Path(sys.argv[1])))
while delivery._process is None:
    time.sleep(0.01)
print(delivery._process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def start(lab: Lab) -> Iterator[Callable[..., BackgroundDelivery]]:
    started: list[BackgroundDelivery] = []

    def start_one(**options: Any) -> BackgroundDelivery:
        started.append(BackgroundDelivery(lab, **options))
        return started[-1]

    yield start_one
    for delivery in started:
        delivery.close(0.1)


def wait_until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 120
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def steps(store: Store, run: Run) -> list[int]:
    state = read_states(run, store.label).get("s")
    if state is None:
        return []
    return [p.step for p in store.client.get_metric_history(state.run_id, "train/loss")]


def process_of(delivery: BackgroundDelivery) -> "subprocess.Popen[str]":
    return wait_until(lambda: delivery._process)


def test_a_growing_journal_is_followed_to_the_completion_record(
    store: Store, lab: Lab, start: Callable[..., BackgroundDelivery]
) -> None:
    completed: list[tuple[Run, str]] = []
    delivery = start(complete=lambda *pair: completed.append(pair))
    run = begin(lab, epochs=1)
    delivery.submit(run, "s", name="n", tags={"a": "b"})
    wait_until(lambda: steps(store, run) == [0])
    Journal(run.journal).append(epoch(1))
    wait_until(lambda: steps(store, run) == [0, 1])
    finish(run)
    assert delivery.close(120) == []
    run_id = read_states(run, store.label)["s"].run_id
    assert completed == [(run, run_id)]
    mlflow_run = store.client.get_run(run_id)
    assert "completion" in mlflow_run.data.params
    assert mlflow_run.data.tags["a"] == "b"
    assert process_of(delivery).poll() == 0


def test_a_killed_process_is_started_once_more_with_all_runs(
    store: Store, lab: Lab, start: Callable[..., BackgroundDelivery]
) -> None:
    delivery = start()
    runs = [begin(lab, epochs=1, key=key) for key in ("k1", "k2")]
    for run in runs:
        delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: steps(store, runs[0]) == [0])
    first = process_of(delivery)
    first.kill()
    wait_until(lambda: delivery._process is not first)
    for run in runs:
        finish(run)
    assert delivery.close(120) == []
    for run in runs:
        mlflow_run = store.client.get_run(read_states(run, store.label)["s"].run_id)
        assert "completion" in mlflow_run.data.params


def test_what_is_left_when_the_process_was_killed_twice_is_returned(
    lab: Lab, start: Callable[..., BackgroundDelivery]
) -> None:
    delivery, run = start(), begin(lab)
    delivery.submit(run, "s", name="n", tags={})
    first = process_of(delivery)
    first.kill()
    wait_until(lambda: delivery._process is not first)
    process_of(delivery).kill()
    (undelivered,) = delivery.close(120)
    assert undelivered.run == run
    assert undelivered.reason == f"the process that delivers ended with status {-signal.SIGKILL}"


def test_a_store_that_cannot_be_used_is_the_reason(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, start: Callable[..., BackgroundDelivery]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////nowhere/at/all.db")
    delivery, run = start(), begin(lab)
    delivery.submit(run, "s", name="n", tags={})
    (undelivered,) = delivery.close(120)
    assert "/nowhere/at/all.db" in undelivered.reason


def test_a_stopped_process_is_given_up_in_the_end(
    lab: Lab, start: Callable[..., BackgroundDelivery]
) -> None:
    delivery, run = start(), begin(lab)
    process = process_of(delivery)
    os.kill(process.pid, signal.SIGSTOP)
    delivery.submit(run, "s", name="n", tags={})
    (undelivered,) = delivery.close(0.3)
    assert undelivered.reason == "there was no time left"
    assert process.wait(60) == -signal.SIGKILL


def test_a_slow_close_calls_on_wait_once(
    store: Store,
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[..., BackgroundDelivery],
) -> None:
    monkeypatch.setattr("ablab.tracking.background_delivery._QUIET", 0.01)
    delivery, calls = start(), list[str]()
    process = process_of(delivery)
    os.kill(process.pid, signal.SIGSTOP)
    delivery.submit(begin(lab, epochs=1), "s", name="n", tags={})

    def on_wait() -> None:
        calls.append("on_wait")
        os.kill(process.pid, signal.SIGCONT)

    assert delivery.close(120, on_wait) == []
    assert calls == ["on_wait"]


@pytest.mark.parametrize("times", [1, 3])
def test_a_run_whose_completion_was_refused_is_completed_later(
    store: Store,
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[..., BackgroundDelivery],
    times: int,
) -> None:
    monkeypatch.setattr("ablab.tracking.background_delivery._PAUSES", (0.0, 0.0, 0.0))
    refused: list[str] = []

    def refuse(_run: Run, run_id: str) -> None:
        refused.append(run_id)
        if len(refused) <= times:
            raise StoreError("away")

    delivery, run = start(complete=refuse), begin(lab)
    finish(run)
    delivery.submit(run, "s", name="n", tags={})
    wait_until(lambda: refused)
    assert delivery.close(120) == []
    assert len(refused) == times + 1


def test_the_page_of_the_sweep_is_not_needed_for_its_runs(
    store: Store, lab: Lab, start: Callable[..., BackgroundDelivery]
) -> None:
    delivery, run = start(sweep="s"), begin(lab, epochs=1)  # its plan was deleted
    delivery.submit(run, "s", name="n", tags={})
    assert delivery.close(120) == []
    assert steps(store, run) == [0]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_process_ends_with_its_parent(lab: Lab, number: int, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(lab.root)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.send_signal(number)
    parent.wait(60)
    parent.stdout.close()
    wait_until(lambda: not is_alive(child))
