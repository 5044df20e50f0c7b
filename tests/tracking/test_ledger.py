"""Leases: of several processes one trains a trial, and one run of it counts."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forked import VARIABLES, server
from mlflow.exceptions import MlflowException

from ablab.errors import StoreError
from ablab.sweep.launch.environment import worker_environment
from ablab.tracking.address import sqlite_uri
from ablab.tracking.lab import Lab
from ablab.tracking.ledger import EXPERIMENT, Ledger
from ablab.tracking.store import Store

KEY = "a1b2"


class Clock:
    """The monotonic clock of one process."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def team(tmp_path: Path) -> Callable[..., Ledger]:
    """Return the ledger as a process of another machine sees it."""
    uri = sqlite_uri(tmp_path / "team.db")

    def join(name: str, clock: Clock | None = None, **holder: str) -> Ledger:
        store = Store.open(Lab.open(tmp_path / name), uri, create=True)
        ledger = Ledger(store, clock=clock or Clock())
        own = {"id": name, "host": name, "boot": name, "space": "1", "pid": "7", "started": "9"}
        ledger.holder = own | holder
        ledger.read()
        return ledger

    return join


def stored(ledger: Ledger) -> dict[str, str]:
    (run,) = ledgers(ledger)
    return dict(run.data.params)


def runs(ledger: Ledger) -> list[Any]:
    experiment = ledger.store.find_experiment(EXPERIMENT)
    return list(ledger.store.client.search_runs([experiment.experiment_id]))


def ledgers(ledger: Ledger) -> list[Any]:
    return [run for run in runs(ledger) if "ablab.ledger" not in run.data.tags]


def test_the_first_holds_the_lease(team):
    ann, ben = team("ann"), team("ben")
    assert ann.claim(KEY, 1)
    assert not ben.claim(KEY, 1)
    assert ben.describe_holder(KEY, 1) == "ann (process 7)"
    assert ann.claim(KEY, 1)
    assert [name for name in stored(ann) if KEY in name] == ["a1b2.1.1"]
    assert ben.claim("c3d4", 1)


def test_an_ended_lease_can_be_claimed_again(team):
    ann, ben = team("ann"), team("ben")
    assert ann.claim(KEY, 1)
    ann.end(KEY, 1, "stopped")
    ben.read()
    assert ben.claim(KEY, 1)
    ann.read()
    assert not ann.claim(KEY, 1)
    ann.end(KEY, 1, "stopped")
    assert "a1b2.1.2.end" not in stored(ann)


def test_one_run_counts_for_all(team):
    ann, ben = team("ann"), team("ben")
    theirs = {"run_id": "r1", "experiment": "demo"}
    assert ann.count(KEY, 1, theirs) == theirs
    assert ben.count(KEY, 1, {"run_id": "r2", "experiment": "demo"}) == theirs
    assert ann.count(KEY, 1, theirs) == theirs
    assert ben.counted(KEY, 1) == theirs
    assert ben.counted(KEY, 2) is None


def test_a_holder_without_beats_for_three_intervals_is_replaced(team):
    clock = Clock()
    ann, ben = team("ann"), team("ben", clock)
    assert ann.claim(KEY, 1)
    for _ in range(6):  # it beats for a minute, whatever its own clock shows
        ann.beat()
        clock.now += 10
        ben.read()
        assert not ben.claim(KEY, 1)
    clock.now += 29
    ben.read()
    assert not ben.claim(KEY, 1)
    clock.now += 2
    ben.read()
    assert ben.claim(KEY, 1)
    ann.read()
    assert not ann.claim(KEY, 1)


def test_a_long_pause_of_the_observer_is_no_silence_of_the_holder(team):
    clock = Clock()
    ann, ben = team("ann"), team("ben", clock)
    assert ann.claim(KEY, 1)
    ann.beat()
    ben.read()
    clock.now += 1000  # suspended; meanwhile the holder went on
    assert not ben.claim(KEY, 1)
    ann.beat()
    ben.read()
    assert not ben.claim(KEY, 1)


def test_a_holder_that_wakes_after_its_lease_does_not_count(team):
    clock = Clock()
    ann, ben = team("ann"), team("ben", clock)
    assert ann.claim(KEY, 1)
    ben.read()
    clock.now += 100
    ben.read()
    assert not ben.claim(KEY, 1)  # first look at a holder that never beat
    clock.now += 31
    ben.read()
    assert ben.claim(KEY, 1)
    bens = {"run_id": "of ben", "experiment": "demo"}
    assert ben.count(KEY, 1, bens) == bens
    assert ann.count(KEY, 1, {"run_id": "of ann", "experiment": "demo"}) == bens


def test_a_process_of_this_machine_that_ended_is_replaced_at_once(team):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = {"boot": "b", "space": "1"}
    ann = team("ann", pid=str(ended.pid), started="1", **here)
    assert ann.claim(KEY, 1)
    ben = team("ben", **here)
    assert ben.claim(KEY, 1)
    reused = team("cat", pid=str(os.getpid()), started="of another process", **here)
    assert reused.claim("c3d4", 1)
    ben.read()
    assert ben.claim("c3d4", 1)


def test_a_living_process_of_this_machine_is_judged_by_its_beats(team):
    clock = Clock()
    holder = Ledger(team("ann").store).holder
    ann, ben = team("ann", **holder), team("ben", clock, **{**holder, "id": "ben"})
    assert holder["pid"] == str(os.getpid())
    assert ann.claim(KEY, 1)
    ben.read()
    assert not ben.claim(KEY, 1)
    clock.now += 31
    ben.read()
    assert ben.claim(KEY, 1)


def test_processes_of_another_container_are_judged_by_their_beats(team):
    clock = Clock()
    ann = team("ann", boot="b", space="2", pid="999999")
    ben = team("ben", clock, boot="b", space="1")
    assert ann.claim(KEY, 1)
    ben.read()
    assert not ben.claim(KEY, 1)


def test_a_lease_holds_in_every_ledger(team, monkeypatch):
    ann, ben = team("ann"), team("ben")
    assert ann.claim(KEY, 1)
    client, experiment = ben.store.client, ben._experiment
    second = client.create_run(experiment).info.run_id
    tags = {"ablab.kind": "ledger", "ablab.ledger": second}
    client.create_run(experiment, tags=tags)
    assert len(ledgers(ann)) == 2
    monkeypatch.setattr(ben, "_params", {})  # as one that looked before the lease
    monkeypatch.setattr(ben, "_newest", {})
    assert not ben.claim(KEY, 1)
    first = min(run.info.run_id for run in ledgers(ann))
    lost = client.get_run(second).data.params
    assert (lost.get("a1b2.1.1.end") == "withdrawn") == (second == first)
    cat = team("cat")
    assert cat.claim(KEY, 1) == (second == first)  # where the withdrawn lease comes first
    assert cat.claim("c3d4", 1)
    assert all("c3d4.1.1" in run.data.params for run in ledgers(ann))


def test_a_lost_reply_changes_nothing(team, monkeypatch):
    ann, ben = team("ann"), team("ben")
    log_param = ann.store.client.log_param
    calls = []

    def log_twice(*arguments: Any) -> None:
        log_param(*arguments)
        calls.append(arguments)
        log_param(*arguments)

    monkeypatch.setattr(ann.store.client, "log_param", log_twice)
    assert ann.claim(KEY, 1)
    assert calls
    assert not ben.claim(KEY, 1)


def test_another_error_of_mlflow_is_no_lost_race(team, monkeypatch):
    ann = team("ann")

    def fail(*_arguments: Any) -> None:
        raise MlflowException("out of order")

    monkeypatch.setattr(ann.store.client, "log_param", fail)
    with pytest.raises(Exception, match="out of order"):
        ann.claim(KEY, 1)


def test_what_no_ledger_wrote_is_left_aside(team):
    ann = team("ann")
    (run,) = ledgers(ann)
    values = {"a1b2.1.1": '{"boot": "ann", "space": "1", "pid": "x"}', "a1b2.1.counted": "[3]"}
    for name, value in {**values, "c3d4.1.counted": '{"run_id": "r"}', "e5f6.1.1": "no"}.items():
        ann.store.client.log_param(run.info.run_id, name, value)
    ben = team("ben", boot="ann")
    assert not ben.claim(KEY, 1)  # of an unknown process, which may live
    assert ben.counted(KEY, 1) is None
    assert ben.counted("c3d4", 1) is None
    assert not ben.claim("e5f6", 1)


def test_an_error_while_a_lease_is_withdrawn_is_one_of_the_store(team, monkeypatch):
    ann, ben = team("ann"), team("ben")
    assert ann.claim(KEY, 1)

    def fail(*_arguments: Any) -> bool:
        raise MlflowException("out of order")

    monkeypatch.setattr(ben, "_win", lambda _name, _value, won: won.append("ledger") or False)
    monkeypatch.setattr(ben, "_params", {})
    monkeypatch.setattr(ben, "_newest", {})
    monkeypatch.setattr(ben, "_write", fail)
    with pytest.raises(StoreError, match="out of order"):
        ben.claim(KEY, 1)


def test_what_is_deleted_in_mlflow_is_restored(team):
    ann = team("ann")
    assert ann.claim(KEY, 1)
    for run in runs(ann):
        ann.store.client.delete_run(run.info.run_id)
    ben = team("ben")
    assert not ben.claim(KEY, 1)
    assert ben.claim("c3d4", 1)
    assert len(runs(ann)) == 2


def _claim_all(root: Path, name: str, start: Any, results: Any) -> None:
    store = Store.open(Lab.open(root / name), sqlite_uri(root / "team.db"), create=True)
    ledger = Ledger(store)
    ledger.holder = {"id": name, "host": name, "boot": name, "space": name, "pid": "1"}
    start.wait()
    results.put([key for key in map(str, range(20)) if ledger.claim(key, 1)])


@pytest.mark.slow
def test_of_processes_that_claim_at_once_one_wins_each_lease(tmp_path: Path):
    context = server()
    start, results = context.Barrier(3), context.Queue()
    arguments = [(tmp_path, name, start, results) for name in ("ann", "ben", "cat")]
    processes = [context.Process(target=_claim_all, args=each) for each in arguments]
    with worker_environment(VARIABLES):
        for process in processes:
            process.start()
    won = [results.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    keys = [key for each in won for key in each]
    assert sorted(keys) == sorted(set(keys))
    assert len(keys) > 10  # where two ledgers were created at once, both may withdraw
