"""Labs that share a store train each trial of a sweep once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import SETTINGS, EventLog, FakeLauncher, finish, make_jobs, trial
from mlflow.exceptions import MlflowException

from ablab.sweep.job import Job
from ablab.sweep.schedule import Schedule
from ablab.sweep.sharing import SUPERSEDED, Sharing
from ablab.tracking.address import sqlite_uri
from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Lab
from ablab.tracking.ledger import Ledger
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.store_errors import StoreUnavailableError

KEYS = ("a1", "b2", "c3")


class Member:
    """A lab, its jobs, and a sharing that is told by hand what was delivered."""

    def __init__(self, root: Path, name: str) -> None:
        self.lab = Lab.open(root / name)
        self.store = Store.open(self.lab, sqlite_uri(root / "team.db"), create=True)
        self.jobs = make_jobs(*KEYS)
        self.launcher = FakeLauncher(slots=1)
        self.ledger = Ledger(self.store, clock=self.launcher.clock)
        self.ledger.holder = {"id": name, "host": name, "boot": name, "space": name, "pid": "1"}
        self.sharing = Sharing(self.ledger, self.lab, beats=False)
        self.log = EventLog()

    def schedule(self, **options: Any) -> Schedule:
        return Schedule(
            self.lab,
            self.jobs,
            self.launcher,
            SETTINGS,
            watchers=[self.log, self.sharing],
            may_start=self.sharing.may_start,
            clock=self.launcher.clock,
            **options,
        )

    def deliver(self, run: Run) -> str:
        write_files(run)
        done = deliver(run, self.store, "demo", name="relu", tags={})
        assert done.run_id is not None
        self.sharing.delivered(run, "demo", done.run_id)
        return done.run_id

    def job(self, key: str) -> Job:
        return next(job for job in self.jobs if job.cell.key == key)


def write_files(run: Run) -> None:
    for name in ("config.yaml", "log.txt"):
        (run.folder / name).write_text("seed: 0\n")
    (run.folder / "environment.json").write_text('{"host": "h"}')


@pytest.fixture
def join(tmp_path: Path) -> Callable[[str], Member]:
    return lambda name: Member(tmp_path, name)


def test_what_another_lab_has_finished_is_not_trained(join: Callable[[str], Member]):
    ann, ben = join("ann"), join("ben")
    ann.schedule().run()
    for job in ann.jobs:
        assert job.run is not None
        ann.deliver(job.run)
    ben.schedule().run()
    assert [job.state for job in ben.jobs] == ["finished"] * 3
    assert [job.is_new for job in ben.jobs] == [False] * 3
    assert not ben.launcher.attempts
    for key in KEYS:
        mine, theirs = ben.lab.finished(key), ann.lab.finished(key)
        assert mine is not None
        assert theirs is not None
        assert mine.completion == theirs.completion


def test_what_another_lab_trains_is_left_to_it(join: Callable[[str], Member]):
    ann, ben = join("ann"), join("ben")
    assert ann.sharing.may_start(ann.job("a1"))
    ends: list[int] = []

    def end_later() -> None:
        if len(ben.launcher.attempts) == 2 and not ends:
            ends.append(1)
            run = ann.lab.new_run(trial("a1"))
            finish(run)
            ann.deliver(run)

    ben.launcher.on_wait = end_later
    ben.schedule().run()
    assert sorted(ben.launcher.attempts) == ["b2", "c3"]
    assert [job.state for job in ben.jobs] == ["finished"] * 3
    events = [event for event in ben.log.events if event[1] == "a1"]
    assert [event[0] for event in events] == ["started", "ended"]  # it is said once that it waits


def test_a_failed_trial_may_be_tried_by_another_lab(join: Callable[[str], Member]):
    ann, ben = join("ann"), join("ben")
    assert ann.sharing.may_start(ann.job("a1"))
    assert not ben.sharing.may_start(ben.job("a1"))
    assert ben.job("a1").reason == "ann (process 1) trains it"
    ann.job("a1").state = "failed"
    ann.sharing.ended(ann.job("a1"))
    ben.ledger.read()
    assert ben.sharing.may_start(ben.job("a1"))


def test_the_run_of_a_lost_lease_is_kept_and_does_not_count(join: Callable[[str], Member]):
    ann, ben = join("ann"), join("ben")
    runs = []
    for member in (ann, ben):  # both trained it without asking
        run = member.lab.new_run(trial("a1"))
        finish(run)
        runs.append(run)
    first = ann.deliver(runs[0])
    second = ben.deliver(runs[1])
    counted = ben.lab.finished("a1")
    assert counted is not None
    assert runs[1].is_discarded
    assert runs[1].completion is not None
    assert counted.completion is not None
    assert ann.lab.finished("a1") == runs[0]
    assert counted.completion.time == runs[0].completion.time  # type: ignore[union-attr]
    tags = {run: ben.store.client.get_run(run).data.tags for run in (first, second)}
    assert (SUPERSEDED in tags[first], tags[second][SUPERSEDED]) == (False, first)


def test_a_store_that_is_away_while_a_run_is_retrieved_counts_no_second_run(
    join: Callable[[str], Member], monkeypatch: pytest.MonkeyPatch
):
    ann, ben = join("ann"), join("ben")
    run = ann.lab.new_run(trial("a1"))
    finish(run)
    first = ann.deliver(run)

    def refuse(*_arguments: object) -> Run:
        raise StoreUnavailableError("must answer")

    own = ben.lab.new_run(trial("a1"))
    with monkeypatch.context() as patch:
        patch.setattr("ablab.sweep.sharing.retrieve", refuse)
        assert ben.sharing.may_start(ben.job("a1"))  # it is trained without asking
        finish(own)
        with pytest.raises(StoreUnavailableError):
            ben.deliver(own)
    second = ben.deliver(own)  # as at the end of a command
    assert own.is_discarded
    assert ben.store.client.get_run(second).data.tags[SUPERSEDED] == first
    ben.ledger.read()
    assert ben.ledger.counted("a1", 2) is None


def test_a_repeated_delivery_keeps_what_counts(join: Callable[[str], Member]):
    ann = join("ann")
    run = ann.lab.new_run(trial("a1"))
    finish(run)
    first = ann.deliver(run)
    again = join("ann")
    assert again.deliver(run) == first
    assert not run.is_discarded


def test_a_run_that_does_not_suffice_is_trained_in_another_round(join: Callable[[str], Member]):
    ann, ben = join("ann"), join("ben")
    run = ann.lab.new_run(trial("a1"))
    finish(run)
    ann.deliver(run)
    strict = Sharing(ben.ledger, ben.lab, lambda run: run.number != "001", beats=False)
    assert strict.may_start(ben.job("a1"))
    assert not Sharing(ann.ledger, ann.lab, lambda _: False, beats=False).may_start(ann.job("a1"))
    second = ben.lab.new_run(trial("a1"))
    finish(second)
    write_files(second)
    done = deliver(second, ben.store, "demo", name="relu", tags={})
    strict.delivered(second, "demo", str(done.run_id))
    assert not second.is_discarded
    assert ben.lab.finished("a1") == second


def test_a_store_that_does_not_answer_keeps_nobody_from_training(
    join: Callable[[str], Member], monkeypatch: pytest.MonkeyPatch
):
    ann = join("ann")

    asked: list[float] = []

    def fail(*_arguments: Any, **_options: Any) -> None:
        asked.append(ann.launcher.now)
        raise MlflowException("connection refused")

    monkeypatch.setattr(ann.store.client, "search_runs", fail)
    ann.schedule().run()
    assert [job.state for job in ann.jobs] == ["finished"] * 3
    assert len(asked) == 1  # its time-out delays one trial, not each
    (note,) = ann.sharing.close()
    assert "without asking what other labs train" in note
