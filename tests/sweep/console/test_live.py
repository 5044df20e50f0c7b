"""The output of a running sweep, in a terminal and in a log."""

import io

import pytest
from fakes import (
    FakeLauncher,
    complete,
    diverge,
    fail,
    keep_running,
    make_jobs,
    new_run,
    write_epoch,
)
from rich.console import Console

from ablab.formatting import format_duration
from ablab.sweep.console.formatting import trial_label
from ablab.sweep.console.live import LiveTable, time_left
from ablab.sweep.console.log_lines import LogLines
from ablab.sweep.job import Job
from ablab.sweep.schedule import Schedule
from ablab.tracking.journal import Entry
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell

METRIC = "test/accuracy"


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def make_console(*, terminal: bool, height: int = 40) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, height=height)


def test_log_has_a_line_for_each_start_and_each_result(lab: Lab):
    console, jobs = make_console(terminal=False), make_jobs("a", "b", "c")
    lines = LogLines(console, jobs, METRIC)
    launcher = FakeLauncher(b=[fail], c=[diverge])
    Schedule(lab, jobs, launcher, {}, watchers=[lines]).run()
    output = printed(console)
    assert "a · seed 0: starts" in output
    assert "a · seed 0: 90.00 %  [" in output
    assert "b · seed 0: failed: ValueError: no" in output
    assert "c · seed 0: diverged (10.00 %)" in output
    assert "[2 of 3 done]" in output


def test_trials_that_are_added_meanwhile_count_from_the_start(lab: Lab):
    console, jobs = make_console(terminal=False), make_jobs("a")
    jobs[0].run, jobs[0].state = new_run(lab, "a"), "stopped"
    LogLines(console, jobs, METRIC, total=5).ended(jobs[0])
    assert "[0 of 5 done]" in printed(console)
    table = LiveTable(make_console(terminal=True), jobs, METRIC, total=5)
    assert "0 of 5 done" in str(table.render().renderables[-1])
    jobs[0].state = "running"
    jobs[0].epochs = [Entry("epoch", 0.0, 0), Entry("epoch", 0.0, 1)]
    assert time_left(jobs, 1, 10.0, total=5) == pytest.approx(10 / 2 * 4)


def test_table_shows_every_state(lab: Lab):
    console = make_console(terminal=True)
    jobs = make_jobs("a", "b", "c", "d")
    jobs[0].run = new_run(lab, "a")
    complete(jobs[0].run)
    jobs[0].finish(jobs[0].run)
    jobs[1].run, jobs[1].state = new_run(lab, "b"), "running"
    write_epoch(jobs[1].run, 0)
    jobs[1].read_journal()
    jobs[2].state, jobs[2].reason = "failed", "ValueError: no"
    console.print(LiveTable(console, jobs, METRIC).render())
    output = printed(console)
    for text in (
        "90.00 %",
        "1/2 50.00 %",
        "failed",
        "ValueError: no",
        "·",
        "1 of 4 done, 1 failed, 1 running, 1 waiting",
    ):
        assert text in output


def test_only_running_trials_are_listed_if_there_are_many_variants(lab: Lab):
    console = make_console(terminal=True, height=12)
    jobs = make_jobs(*(f"v{n}" for n in range(50)))
    jobs[7].run, jobs[7].state = new_run(lab, "v7"), "running"
    console.print(LiveTable(console, jobs, METRIC).render())
    output = printed(console)
    assert "v7 · seed 0" in output
    assert "v8" not in output
    assert "0 of 50 done" in output


def test_live_table_follows_a_schedule(lab: Lab):
    console, jobs = make_console(terminal=True), make_jobs("a", "b")
    with LiveTable(console, jobs, METRIC) as table:
        Schedule(lab, jobs, FakeLauncher(b=[diverge]), {}, watchers=[table]).run()
    assert "2 of 2 done" in printed(console)


def test_time_left_follows_the_average_speed():
    jobs = make_jobs(*"abcd")
    assert time_left(jobs, 0, 10.0) is None
    jobs[0].state = "finished"
    assert time_left(jobs, 1, 10.0) == pytest.approx(30.0)
    jobs[1].state = "running"
    jobs[1].epochs = [None]  # type: ignore[list-item]
    assert time_left(jobs, 1, 15.0) == pytest.approx(25.0)


def test_formatting():
    assert trial_label(Cell("relu", 3, "mnist", "k"), several_blocks=False) == "relu · seed 3"
    assert (
        trial_label(Cell("relu", 3, "mnist", "k"), several_blocks=True) == "mnist · relu · seed 3"
    )
    assert [format_duration(s) for s in (42, 720, 12240)] == ["42 s", "12 min", "3.4 h"]


def test_interrupted_jobs_are_shown_as_stopped(lab: Lab):
    console, jobs = make_console(terminal=False), make_jobs("a")
    launcher = FakeLauncher(a=[keep_running])
    asked = iter([0, *([2] * 100)])
    Schedule(
        lab,
        jobs,
        launcher,
        {},
        watchers=[LogLines(console, jobs, METRIC)],
        interrupts=lambda: next(asked),
    ).run()
    assert isinstance(jobs[0], Job)
    assert "Killing the running trials" in printed(console)
    assert "a · seed 0: stopped: interrupted" in printed(console)
