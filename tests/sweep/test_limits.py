"""Limits end trials that hang or take too long, by the schedule's own clock."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from fakes import SETTINGS, FakeLauncher, begin, complete, finish, keep_running, make_jobs

from ablab.sweep.job import Job
from ablab.sweep.limits import GRACE, Limits
from ablab.sweep.schedule import Schedule
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run


def run_limited(
    lab: Lab, jobs: Sequence[Job], launcher: FakeLauncher, limits: Limits, **options: Any
) -> list[str]:
    Schedule(lab, jobs, launcher, SETTINGS, limits=limits, clock=launcher.clock, **options).run()
    return [job.state for job in jobs]


def end_at_sigterm(launcher: FakeLauncher) -> Callable[[], None]:
    def end() -> None:
        for worker in launcher.workers:
            if "stop" in worker.signals:
                worker.status = 143

    return end


def test_trial_beyond_its_time_is_stopped_and_fails_with_the_reason(lab: Lab):
    launcher = FakeLauncher(a=[begin])
    launcher.on_wait = end_at_sigterm(launcher)
    (job,) = jobs = make_jobs("a")
    assert run_limited(lab, jobs, launcher, Limits(time_limit=60), retries=3) == ["failed"]
    assert launcher.workers[0].signals == ["stop"]
    assert len(launcher.attempts["a"]) == 1  # it would take as long again
    assert job.reason.startswith("ran out of time (launcher.time_limit=60 seconds)")
    assert lab.runs("a")[0].entries()[-1].note["error"] == job.reason
    assert 60 <= launcher.now < 60 + GRACE


def test_trial_that_ignores_sigterm_is_killed_after_the_grace(lab: Lab):
    launcher = FakeLauncher(a=[begin])
    assert run_limited(lab, make_jobs("a"), launcher, Limits(time_limit=60)) == ["failed"]
    assert launcher.workers[0].signals == ["stop", "kill"]
    assert launcher.now >= 60 + GRACE


def test_time_runs_from_the_first_entry_of_the_journal(lab: Lab):
    launcher = FakeLauncher()

    def begin_late(run: Run) -> int | None:
        if launcher.now > 100:
            begin(run)
        return finish(run) if launcher.now > 150 else None

    launcher.scripts = {"a": [begin_late]}
    limits = Limits(time_limit=60, start_limit=120)
    assert run_limited(lab, make_jobs("a"), launcher, limits) == ["finished"]
    assert launcher.workers[0].signals == []


def test_trial_that_finishes_as_its_time_ends_is_finished(lab: Lab):
    launcher = FakeLauncher(a=[begin])

    def finish_at_sigterm() -> None:
        if launcher.workers[0].signals:
            complete(launcher.workers[0].run)
            launcher.workers[0].status = 0

    launcher.on_wait = finish_at_sigterm
    assert run_limited(lab, make_jobs("a"), launcher, Limits(time_limit=60)) == ["finished"]


def test_silent_trial_writes_its_stack_is_killed_and_started_again(lab: Lab):
    launcher = FakeLauncher(a=[keep_running, finish])
    (job,) = jobs = make_jobs("a")
    assert run_limited(lab, jobs, launcher, Limits(start_limit=30)) == ["finished"]
    assert launcher.workers[0].signals == ["stack", "kill"]
    assert job.kills == 1


def test_entries_of_an_earlier_attempt_are_no_sign_of_life(lab: Lab):
    def begin_and_die(run: Run) -> int:
        begin(run)
        return -9

    launcher = FakeLauncher(a=[begin_and_die, keep_running])
    (job,) = jobs = make_jobs("a")
    assert run_limited(lab, jobs, launcher, Limits(start_limit=30)) == ["failed"]
    assert launcher.workers[1].signals == ["stack", "kill"]
    assert "no sign of life" in job.reason


def test_journal_of_a_new_run_is_read_from_its_start(lab: Lab):
    def give_up(run: Run) -> int:
        begin(run)
        run.discard("it is of no use")
        return -9

    def live(run: Run) -> int | None:
        begin(run)
        return finish(run) if launcher.now > 50 else None

    launcher = FakeLauncher(a=[give_up])
    launcher.scripts["a"].append(live)
    (job,) = jobs = make_jobs("a")
    assert run_limited(lab, jobs, launcher, Limits(start_limit=30)) == ["finished"]
    assert [run.number for run in launcher.attempts["a"]] == ["001", "002"]
    assert job.entries == 1  # the rest was written with the completion record


@pytest.mark.parametrize("limits", [Limits(), Limits(time_limit=1e9, start_limit=1e9)])
def test_without_a_limit_nothing_is_ended(lab: Lab, limits: Limits):
    launcher = FakeLauncher()
    slow = [lambda run: finish(run) if launcher.now > 1e4 else None]
    launcher.scripts = {"a": slow}
    launcher.wait = lambda workers, seconds: setattr(launcher, "now", launcher.now + 500)
    assert run_limited(lab, make_jobs("a"), launcher, limits) == ["finished"]


def test_limits_are_read_from_the_launcher_and_may_be_missing():
    assert Limits.of({"time_limit": 5, "start_limit": None, "max_failures": 2}) == Limits(
        5, None, 2
    )
    assert Limits.of({"threads": 1, "retries": 0}) == Limits()
