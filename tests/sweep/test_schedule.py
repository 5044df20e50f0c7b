"""Every job reaches a final state, whatever happens to the processes."""

import errno
from collections.abc import Sequence
from typing import Any

import pytest
from fakes import (
    SETTINGS,
    EventLog,
    FakeLauncher,
    FakeWorker,
    complete,
    die,
    diverge,
    end_without_a_record,
    fail,
    find_locked,
    finish,
    halt,
    halt_without_a_reason,
    keep_running,
    make_jobs,
    new_run,
)

from ablab.sweep.job import Job
from ablab.sweep.schedule import Schedule
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


def run_jobs(lab: Lab, jobs: Sequence[Job], launcher: FakeLauncher, **options: Any) -> list[str]:
    Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock, **options).run()
    return [job.state for job in jobs]


def test_jobs_start_in_order_in_the_free_slots_and_finish(lab: Lab):
    launcher, log = FakeLauncher(slots=2), EventLog()
    assert run_jobs(lab, make_jobs(*"abc"), launcher, watchers=[log]) == ["finished"] * 3
    assert launcher.max_running == 2
    assert [key for event, key in log.events if event == "started"] == ["a", "b", "c"]
    assert sorted(key for event, key in log.events if event == "ended") == ["a", "b", "c"]


def test_trial_finished_in_the_lab_is_not_trained(lab: Lab):
    complete(new_run(lab, "a"))
    launcher, jobs = FakeLauncher(), make_jobs("a", "b")
    assert run_jobs(lab, jobs, launcher) == ["finished"] * 2
    assert list(launcher.attempts) == ["b"]
    assert [job.is_new for job in jobs] == [False, True]


def test_finished_run_that_does_not_count_gets_a_new_run(lab: Lab):
    old = new_run(lab, "a")
    complete(old)
    launcher = FakeLauncher()
    (job,) = jobs = make_jobs("a")
    run_jobs(lab, jobs, launcher, is_finished=lambda run: run.number != old.number)
    assert job.run is not None
    assert job.run.number == "002"
    assert old.completion is not None


def test_unfinished_run_continues_in_its_folder(lab: Lab):
    run = new_run(lab, "a")
    launcher = FakeLauncher()
    run_jobs(lab, make_jobs("a"), launcher)
    assert launcher.attempts["a"] == [run]
    assert lab.runs("a") == [run]


def test_discarded_run_is_replaced_by_a_new_one(lab: Lab):
    run = new_run(lab, "a")
    complete(run)
    run.discard("its run was deleted")
    launcher = FakeLauncher()
    run_jobs(lab, make_jobs("a"), launcher)
    assert launcher.attempts["a"][0].number == "002"


def test_killed_trial_is_retried_in_the_same_run(lab: Lab):
    launcher, log = FakeLauncher(a=[die, finish]), EventLog()
    assert run_jobs(lab, make_jobs("a"), launcher, watchers=[log]) == ["finished"]
    assert len(launcher.attempts["a"]) == 2
    assert len(lab.runs("a")) == 1
    assert ("retried", "a") in log.events


def test_trial_killed_at_every_attempt_fails_and_its_journal_says_so(lab: Lab):
    launcher = FakeLauncher(a=[die])
    (job,) = jobs = make_jobs("a")
    assert run_jobs(lab, jobs, launcher, retries=2) == ["failed"]
    assert len(launcher.attempts["a"]) == 3
    assert "SIGKILL" in job.reason
    (run,) = lab.runs("a")
    assert run.status() == "failed"
    assert "SIGKILL" in run.entries()[-1].note["error"]


def test_trial_that_raised_is_not_retried_and_does_not_affect_others(lab: Lab):
    launcher = FakeLauncher(a=[fail])
    jobs = make_jobs("a", "b")
    assert run_jobs(lab, jobs, launcher) == ["failed", "finished"]
    assert len(launcher.attempts["a"]) == 1
    assert jobs[0].reason == "ValueError: no"


def test_failed_trial_is_retried_by_the_next_command(lab: Lab):
    run_jobs(lab, make_jobs("a"), FakeLauncher(a=[fail]))
    launcher = FakeLauncher()
    assert run_jobs(lab, make_jobs("a"), launcher) == ["finished"]
    assert len(lab.runs("a")) == 1


def test_diverged_trial_is_a_result(lab: Lab):
    launcher = FakeLauncher(a=[diverge])
    assert run_jobs(lab, make_jobs("a"), launcher) == ["diverged"]
    assert len(launcher.attempts["a"]) == 1


def test_completion_record_decides_not_the_exit_status(lab: Lab):
    assert run_jobs(lab, make_jobs("a"), FakeLauncher(a=[end_without_a_record])) == ["failed"]

    def finish_and_die(run: Run) -> int:
        finish(run)
        return -9

    assert run_jobs(lab, make_jobs("b"), FakeLauncher(b=[finish_and_die])) == ["finished"]


def test_result_of_a_trial_locked_by_another_process_is_waited_for(lab: Lab):
    run = new_run(lab, "a")
    lock = run.lock()
    lock.acquire()
    launcher = FakeLauncher()

    def release() -> None:
        if launcher.now > 5 and lock.is_locked:
            complete(run)
            lock.release()

    launcher.on_wait = release
    (job,) = jobs = make_jobs("a")
    assert run_jobs(lab, jobs, launcher) == ["finished"]
    assert launcher.attempts == {}
    assert job.run == run


def test_locked_trial_is_trained_after_the_other_process_died(lab: Lab):
    run = new_run(lab, "a")
    lock = run.lock()
    lock.acquire()
    launcher = FakeLauncher()
    launcher.on_wait = lambda: lock.release() if launcher.now > 5 else None
    assert run_jobs(lab, make_jobs("a"), launcher) == ["finished"]
    assert launcher.attempts["a"] == [run]


def test_trial_that_finds_its_run_locked_starts_later(lab: Lab):
    launcher = FakeLauncher(a=[find_locked, find_locked, find_locked, finish])
    assert run_jobs(lab, make_jobs("a"), launcher, retries=0) == ["finished"]
    assert len(lab.runs("a")) == 1


def test_orphan_of_a_dead_server_is_waited_for_and_not_started_again(lab: Lab):
    launcher = FakeLauncher()
    locks: list[Any] = []

    def lose(run: Run) -> int:
        locks.append(run.lock().acquire())
        return 255

    def release() -> None:
        if locks and launcher.now > 3:
            complete(lab.runs("a")[0])
            locks.pop().lock.release()

    launcher.scripts, launcher.on_wait = {"a": [lose]}, release
    assert run_jobs(lab, make_jobs("a"), launcher, retries=0) == ["finished"]
    assert len(launcher.attempts["a"]) == 1


def test_trial_that_cannot_be_started_is_retried_and_then_fails(lab: Lab):
    class Broken(FakeLauncher):
        def start(self, run: Run, settings: ProcessSettings, slot: int) -> FakeWorker:
            self.attempts[run.key].append(run)
            raise EOFError

    launcher = Broken()
    (job,) = jobs = make_jobs("a")
    assert run_jobs(lab, jobs, launcher, retries=1) == ["failed"]
    assert len(launcher.attempts["a"]) == 2
    assert "could not be started" in job.reason


def test_full_disk_of_a_trial_stops_waiting_jobs_and_fails_none(lab: Lab):
    launcher = FakeLauncher(slots=1, a=[halt])
    jobs = make_jobs("a", "b", "c")
    schedule = Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock)
    schedule.run()
    assert [job.state for job in jobs] == ["stopped"] * 3
    assert schedule.shortage == jobs[0].reason == "x must have room"
    assert list(launcher.attempts) == ["a"]
    assert lab.runs("a")[0].status() == "stopped"
    assert run_jobs(lab, make_jobs("a", "b", "c"), FakeLauncher()) == ["finished"] * 3
    assert [run.number for run in lab.runs("a")] == ["001"]


def test_full_disk_of_a_trial_does_not_stop_running_jobs(lab: Lab):
    launcher = FakeLauncher(slots=2, a=[halt_without_a_reason], b=[keep_running])
    jobs = make_jobs("a", "b", "c")

    def end_later() -> None:
        if launcher.now > 5:
            finish(launcher.workers[1].run)
            launcher.workers[1].status = 0

    launcher.on_wait = end_later
    assert run_jobs(lab, jobs, launcher) == ["stopped", "finished", "stopped"]
    assert launcher.workers[1].signals == []
    assert f"{lab.runs('a')[0].folder} must be writable" in jobs[0].reason


@pytest.mark.parametrize("where", ["ablab.sweep.schedule.open_run", "fakes.FakeLauncher.is_ready"])
def test_error_of_the_machine_in_the_sweep_itself_stops_all_jobs(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, where: str
):
    def refuse(*_: Any) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded", str(lab.root / "trials"))

    jobs, launcher = make_jobs("a", "b"), FakeLauncher()
    monkeypatch.setattr(where, refuse)
    schedule = Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock)
    schedule.run()
    assert [job.state for job in jobs] == ["stopped"] * 2
    assert "must be within your quota" in schedule.shortage
    assert not launcher.attempts


def test_interrupt_is_handled_while_the_launcher_is_not_ready(lab: Lab):
    class Starting(FakeLauncher):
        def is_ready(self) -> bool:
            return False

    launcher = Starting()
    states = run_jobs(lab, make_jobs("a"), launcher, interrupts=lambda: int(launcher.now > 1))
    assert states == ["stopped"]
    assert not launcher.attempts


@pytest.mark.parametrize(("asked", "signals"), [(1, ["stop"]), (2, ["kill"])])
def test_interrupt_stops_running_jobs_and_starts_no_more(lab: Lab, asked: int, signals: list[str]):
    launcher = FakeLauncher(slots=1, a=[keep_running], b=[finish])
    jobs = make_jobs("a", "b")

    def end_after_a_signal() -> None:
        for worker in launcher.workers:
            if worker.signals:
                worker.status = 143

    launcher.on_wait = end_after_a_signal
    states = run_jobs(lab, jobs, launcher, interrupts=lambda: asked if launcher.now > 1 else 0)
    assert states == ["stopped"] * 2
    assert launcher.workers[0].signals == signals
    assert list(launcher.attempts) == ["a"]


def test_second_interrupt_kills_jobs_that_did_not_stop(lab: Lab):
    launcher, log = FakeLauncher(a=[keep_running]), EventLog()
    states = run_jobs(
        lab,
        make_jobs("a"),
        launcher,
        interrupts=lambda: min(2, int(launcher.now)),
        watchers=[log],
    )
    assert states == ["stopped"]
    assert launcher.workers[0].signals == ["stop", "kill"]
    events = [event for event in log.events if event[0] == "stopping"]
    assert events == [("stopping", "False"), ("stopping", "True")]


def test_two_sweeps_open_the_same_run(lab: Lab):
    from ablab.training.opening import open_run

    (job,) = make_jobs("a")
    assert open_run(lab, job.trial) == open_run(lab, job.trial)


def test_progress_is_read_from_the_journal(lab: Lab):
    (job,) = jobs = make_jobs("a")
    run_jobs(lab, jobs, FakeLauncher())
    job.read_journal()
    assert [entry.epoch for entry in job.epochs] == [0]
    job.read_journal()
    assert len(job.epochs) == 1
