"""Every job comes to one end, whatever becomes of the processes."""

import errno
from collections.abc import Sequence
from typing import Any

import pytest
from fakes import (
    SETTINGS,
    FakeLauncher,
    FakeWorker,
    Notes,
    busy,
    complete,
    die,
    diverge,
    fail,
    finish,
    lack,
    lack_and_say_nothing,
    lie,
    make_jobs,
    new_run,
    run_on,
)

from ablab.sweep.job import Job
from ablab.sweep.schedule import Schedule
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


def run_jobs(lab: Lab, jobs: Sequence[Job], launcher: FakeLauncher, **options: Any) -> list[str]:
    Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock, **options).run()
    return [job.state for job in jobs]


def test_all_jobs_finish_in_order_in_the_slots_there_are(lab: Lab):
    launcher, notes = FakeLauncher(slots=2), Notes()
    assert run_jobs(lab, make_jobs(*"abc"), launcher, watchers=[notes]) == ["finished"] * 3
    assert launcher.side_by_side == 2
    assert [key for event, key in notes.events if event == "started"] == ["a", "b", "c"]
    assert sorted(key for event, key in notes.events if event == "ended") == ["a", "b", "c"]


def test_what_is_finished_in_the_lab_is_not_trained(lab: Lab):
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


def test_unfinished_run_goes_on_in_its_folder(lab: Lab):
    run = new_run(lab, "a")
    launcher = FakeLauncher()
    run_jobs(lab, make_jobs("a"), launcher)
    assert launcher.attempts["a"] == [run]
    assert lab.runs("a") == [run]


def test_discarded_run_is_trained_anew(lab: Lab):
    run = new_run(lab, "a")
    complete(run)
    run.discard("its run was deleted")
    launcher = FakeLauncher()
    run_jobs(lab, make_jobs("a"), launcher)
    assert launcher.attempts["a"][0].number == "002"


def test_killed_trial_is_tried_again_in_the_same_run(lab: Lab):
    launcher, notes = FakeLauncher(a=[die, finish]), Notes()
    assert run_jobs(lab, make_jobs("a"), launcher, watchers=[notes]) == ["finished"]
    assert len(launcher.attempts["a"]) == 2
    assert len(lab.runs("a")) == 1
    assert ("again", "a") in notes.events


def test_trial_that_is_killed_each_time_fails_and_says_so_in_its_journal(lab: Lab):
    launcher = FakeLauncher(a=[die])
    (job,) = jobs = make_jobs("a")
    assert run_jobs(lab, jobs, launcher, retries=2) == ["failed"]
    assert len(launcher.attempts["a"]) == 3
    assert "SIGKILL" in job.reason
    (run,) = lab.runs("a")
    assert run.status() == "failed"
    assert "SIGKILL" in run.entries()[-1].note["error"]


def test_exception_is_not_tried_again_and_leaves_the_others_alone(lab: Lab):
    launcher = FakeLauncher(a=[fail])
    jobs = make_jobs("a", "b")
    assert run_jobs(lab, jobs, launcher) == ["failed", "finished"]
    assert len(launcher.attempts["a"]) == 1
    assert jobs[0].reason == "ValueError: no"


def test_failed_trial_is_tried_again_by_the_next_command(lab: Lab):
    run_jobs(lab, make_jobs("a"), FakeLauncher(a=[fail]))
    launcher = FakeLauncher()
    assert run_jobs(lab, make_jobs("a"), launcher) == ["finished"]
    assert len(lab.runs("a")) == 1


def test_diverged_trial_is_a_result(lab: Lab):
    launcher = FakeLauncher(a=[diverge])
    assert run_jobs(lab, make_jobs("a"), launcher) == ["diverged"]
    assert len(launcher.attempts["a"]) == 1


def test_exit_status_alone_is_never_trusted(lab: Lab):
    assert run_jobs(lab, make_jobs("a"), FakeLauncher(a=[lie])) == ["failed"]

    def finish_and_die(run: Run) -> int:
        finish(run)
        return -9

    assert run_jobs(lab, make_jobs("b"), FakeLauncher(b=[finish_and_die])) == ["finished"]


def test_trial_that_another_process_holds_is_waited_for_and_its_result_counts(lab: Lab):
    run = new_run(lab, "a")
    lock = run.lock()
    lock.acquire()
    launcher = FakeLauncher()

    def let_go() -> None:
        if launcher.now > 5 and lock.is_locked:
            complete(run)
            lock.release()

    launcher.on_wait = let_go
    (job,) = jobs = make_jobs("a")
    assert run_jobs(lab, jobs, launcher) == ["finished"]
    assert launcher.attempts == {}
    assert job.run == run


def test_trial_whose_other_process_died_is_taken_over(lab: Lab):
    run = new_run(lab, "a")
    lock = run.lock()
    lock.acquire()
    launcher = FakeLauncher()
    launcher.on_wait = lambda: lock.release() if launcher.now > 5 else None
    assert run_jobs(lab, make_jobs("a"), launcher) == ["finished"]
    assert launcher.attempts["a"] == [run]


def test_trial_that_found_its_lock_held_starts_later_and_is_no_failure(lab: Lab):
    launcher = FakeLauncher(a=[busy, busy, busy, finish])
    assert run_jobs(lab, make_jobs("a"), launcher, retries=0) == ["finished"]
    assert len(lab.runs("a")) == 1


def test_orphan_of_a_dead_server_is_waited_for_and_never_written_beside(lab: Lab):
    launcher = FakeLauncher()
    held: list[Any] = []

    def lose(run: Run) -> int:
        held.append(run.lock().acquire())
        return 255

    def let_go() -> None:
        if held and launcher.now > 3:
            complete(lab.runs("a")[0])
            held.pop().lock.release()

    launcher.scripts, launcher.on_wait = {"a": [lose]}, let_go
    assert run_jobs(lab, make_jobs("a"), launcher, retries=0) == ["finished"]
    assert len(launcher.attempts["a"]) == 1


def test_launcher_that_cannot_start_a_trial_is_asked_again_and_then_it_fails(lab: Lab):
    class Broken(FakeLauncher):
        def start(self, run: Run, settings: ProcessSettings, slot: int) -> FakeWorker:
            self.attempts[run.key].append(run)
            raise EOFError

    launcher = Broken()
    (job,) = jobs = make_jobs("a")
    assert run_jobs(lab, jobs, launcher, retries=1) == ["failed"]
    assert len(launcher.attempts["a"]) == 2
    assert "could not be started" in job.reason


def test_lack_of_the_machine_stops_what_waits_and_fails_nothing(lab: Lab):
    launcher = FakeLauncher(slots=1, a=[lack])
    jobs = make_jobs("a", "b", "c")
    schedule = Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock)
    schedule.run()
    assert [job.state for job in jobs] == ["stopped"] * 3
    assert schedule.lack == jobs[0].reason == "x must have room"
    assert list(launcher.attempts) == ["a"]
    assert lab.runs("a")[0].status() == "stopped"
    assert run_jobs(lab, make_jobs("a", "b", "c"), FakeLauncher()) == ["finished"] * 3
    assert [run.number for run in lab.runs("a")] == ["001"]


def test_lack_of_the_machine_leaves_alone_what_runs(lab: Lab):
    launcher = FakeLauncher(slots=2, a=[lack_and_say_nothing], b=[run_on])
    jobs = make_jobs("a", "b", "c")

    def end_later() -> None:
        if launcher.now > 5:
            finish(launcher.workers[1].run)
            launcher.workers[1].status = 0

    launcher.on_wait = end_later
    assert run_jobs(lab, jobs, launcher) == ["stopped", "finished", "stopped"]
    assert launcher.workers[1].told == []
    assert f"{lab.runs('a')[0].folder} must be writable" in jobs[0].reason


@pytest.mark.parametrize("where", ["ablab.sweep.schedule.open_run", "fakes.FakeLauncher.is_ready"])
def test_what_the_sweep_itself_cannot_write_or_start_is_a_lack(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, where: str
):
    def refuse(*_: Any) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded", str(lab.root / "trials"))

    jobs, launcher = make_jobs("a", "b"), FakeLauncher()
    monkeypatch.setattr(where, refuse)
    schedule = Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock)
    schedule.run()
    assert [job.state for job in jobs] == ["stopped"] * 2
    assert "must be within your quota" in schedule.lack
    assert not launcher.attempts


def test_interrupt_is_obeyed_while_nothing_can_be_started_yet(lab: Lab):
    class Starting(FakeLauncher):
        def is_ready(self) -> bool:
            return False

    launcher = Starting()
    states = run_jobs(lab, make_jobs("a"), launcher, interrupts=lambda: int(launcher.now > 1))
    assert states == ["stopped"]
    assert not launcher.attempts


@pytest.mark.parametrize(("asked", "told"), [(1, ["stop"]), (2, ["kill"])])
def test_interrupt_stops_what_runs_and_starts_nothing_more(lab: Lab, asked: int, told: list[str]):
    launcher = FakeLauncher(slots=1, a=[run_on], b=[finish])
    jobs = make_jobs("a", "b")

    def end_when_told() -> None:
        for worker in launcher.workers:
            if worker.told:
                worker.status = 143

    launcher.on_wait = end_when_told
    states = run_jobs(lab, jobs, launcher, interrupts=lambda: asked if launcher.now > 1 else 0)
    assert states == ["stopped"] * 2
    assert launcher.workers[0].told == told
    assert list(launcher.attempts) == ["a"]


def test_second_interrupt_kills_what_did_not_stop(lab: Lab):
    launcher, notes = FakeLauncher(a=[run_on]), Notes()
    states = run_jobs(
        lab,
        make_jobs("a"),
        launcher,
        interrupts=lambda: min(2, int(launcher.now)),
        watchers=[notes],
    )
    assert states == ["stopped"]
    assert launcher.workers[0].told == ["stop", "kill"]
    said = [event for event in notes.events if event[0] == "stopping"]
    assert said == [("stopping", "False"), ("stopping", "True")]


def test_two_sweeps_agree_on_one_run(lab: Lab):
    from ablab.training.opening import open_run

    (job,) = make_jobs("a")
    assert open_run(lab, job.trial) == open_run(lab, job.trial)


def test_progress_is_read_from_the_journal(lab: Lab):
    (job,) = jobs = make_jobs("a")
    run_jobs(lab, jobs, FakeLauncher())
    job.look()
    assert [entry.epoch for entry in job.epochs] == [0]
    job.look()
    assert len(job.epochs) == 1
