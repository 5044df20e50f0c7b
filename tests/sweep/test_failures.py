"""A sweep whose trials all fail for one reason stops; one with another outcome goes on."""

from collections.abc import Iterable

from fakes import (
    SETTINGS,
    FakeLauncher,
    Script,
    complete,
    fail,
    fail_with,
    find_locked,
    finish,
    make_jobs,
    new_run,
)

from ablab.sweep.failures import is_out_of_memory
from ablab.sweep.limits import Limits
from ablab.sweep.schedule import Schedule
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run


def run_jobs(
    lab: Lab, keys: str, slots: int = 1, limit: int | None = 2, **scripts: Iterable[Script]
) -> tuple[list[str], Schedule, FakeLauncher]:
    launcher, jobs = FakeLauncher(slots, **scripts), make_jobs(*keys)
    limits = Limits(max_failures=limit)
    schedule = Schedule(lab, jobs, launcher, SETTINGS, limits=limits, clock=launcher.clock)
    schedule.run()
    return [job.state for job in jobs], schedule, launcher


def test_failures_of_one_reason_stop_the_sweep_with_one_line(lab: Lab):
    states, schedule, launcher = run_jobs(lab, "abcd", a=[fail], b=[fail])
    assert states == ["failed", "failed", "stopped", "stopped"]
    assert list(launcher.attempts) == ["a", "b"]
    assert schedule.hopeless == (
        "Stopped: 2 trials failed for the same reason and none finished: ValueError: no. 2 others "
        "not started; launcher.max_failures=null starts them."
    )
    assert schedule.shortage == ""
    assert not lab.runs("c")  # nothing was written for those that wait


def test_next_command_trains_all_that_wait(lab: Lab):
    run_jobs(lab, "abcd", a=[fail], b=[fail])
    states, schedule, _ = run_jobs(lab, "abcd")
    assert states == ["finished"] * 4
    assert schedule.hopeless == ""


def test_running_trials_end_first_and_one_that_finishes_lets_the_sweep_go_on(lab: Lab):
    launcher_now = []

    def finish_late(run: Run) -> int | None:
        launcher_now.append(1)
        return finish(run) if len(launcher_now) > 5 else None

    states, schedule, _ = run_jobs(lab, "abcd", 3, a=[fail], b=[fail], c=[finish_late])
    assert states == ["failed", "failed", "finished", "finished"]
    assert schedule.hopeless == ""
    assert len(launcher_now) > 5


def test_finished_trial_of_this_command_allows_any_number_of_failures(lab: Lab):
    states, _, _ = run_jobs(lab, "abcde", b=[fail], c=[fail], d=[fail])
    assert states == ["finished", "failed", "failed", "failed", "finished"]


def test_trial_finished_before_this_command_does_not(lab: Lab):
    complete(new_run(lab, "a"))
    states, _, _ = run_jobs(lab, "abcd", b=[fail], c=[fail])
    assert states == ["finished", "failed", "failed", "stopped"]


def test_without_a_limit_all_trials_start(lab: Lab):
    states, _, _ = run_jobs(lab, "abcd", limit=None, a=[fail], b=[fail], c=[fail])
    assert states == ["failed", "failed", "failed", "finished"]


def test_trial_that_another_process_trains_waits_too(lab: Lab):
    states, _, _ = run_jobs(lab, "abc", 3, a=[fail], b=[fail], c=[find_locked])
    assert states == ["failed", "failed", "stopped"]


def test_reasons_are_the_same_but_for_numbers_and_names_with_them(lab: Lab):
    a = fail_with("OSError: /lab/trials/1a2b/001 must be free, got 5 bytes")
    b = fail_with("OSError: /lab/trials/99ff/001 must be free, got 77 bytes")
    assert run_jobs(lab, "abc", a=[a], b=[b])[0] == ["failed", "failed", "stopped"]


def test_other_reasons_do_not_add_up(lab: Lab):
    a, b = fail_with("ValueError: no"), fail_with("TypeError: no")
    assert run_jobs(lab, "abc", a=[a], b=[b])[0] == ["failed", "failed", "finished"]


def test_out_of_memory_is_recognized():
    assert is_out_of_memory("OutOfMemoryError: CUDA out of memory. Tried to allocate 20 MiB")
    assert is_out_of_memory("AcceleratorError: CUDA error: out of memory")
    assert is_out_of_memory("RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling")
    assert not is_out_of_memory("ValueError: no")
