"""Jobs that may train together start in one process, as many as is faster."""

from collections.abc import Mapping
from typing import Any

import pytest
from fakes import SETTINGS, EventLog, FakeLauncher, complete, die, finish, keep_running

from ablab.config.compose import compose
from ablab.sweep import checking
from ablab.sweep.fusion import (
    Fusion,
    StepSeconds,
    choose_fusion,
    measure_together,
    measured_together,
)
from ablab.sweep.job import Job
from ablab.sweep.limits import Limits
from ablab.sweep.schedule import Schedule
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings


def make_jobs(count: int, *overrides: str, name: str = "job") -> list[Job]:
    composition = compose(["backend=fused", "architecture=mlp", "devices=cpu", *overrides])
    jobs = []
    for seed in range(count):
        key = f"{name}{seed}"
        config = composition.with_values({"seed": seed}).resolved()
        trial = {"key": key, "config": config, "choices": composition.choices, "outside_key": []}
        jobs.append(Job(Cell(name, seed, "b", key), trial))
    return jobs


class GroupLauncher(FakeLauncher):
    """Runs each attempt's script for all runs of its process; remembers which these were."""

    def __init__(self, slots: int = 2, **scripts: Any) -> None:
        super().__init__(slots, **scripts)
        self.groups: list[list[str]] = []

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> Any:
        others = [Run(type(run.folder)(path)) for path in settings.companions]
        worker = super().start(run, settings, slot)
        script = worker.script
        self.groups.append([run.key, *(other.key for other in others)])

        def all_runs(run: Run) -> int | None:
            statuses = [script(each) for each in (run, *others)]
            return statuses[0]

        worker.script = all_runs
        return worker


def run(lab: Lab, jobs: list[Job], launcher: FakeLauncher, size: int, **options: Any) -> None:
    fusion, _ = choose_fusion(jobs, size, launcher.slots)
    Schedule(lab, jobs, launcher, SETTINGS, clock=launcher.clock, fusion=fusion, **options).run()


def test_jobs_that_are_alike_start_together(lab: Lab):
    launcher, log = GroupLauncher(slots=2), EventLog()
    jobs = [*make_jobs(4), *make_jobs(3, "activation=tanh", name="tanh")]
    run(lab, jobs, launcher, 8, watchers=[log])
    assert sorted(launcher.groups) == [
        ["job0", "job1"],
        ["job2", "job3"],
        ["tanh0", "tanh1"],
        ["tanh2"],
    ]
    assert [job.state for job in jobs] == ["finished"] * 7
    assert sorted(key for event, key in log.events if event == "started") == sorted(
        job.cell.key for job in jobs
    )


def test_no_more_than_asked_for_start_together(lab: Lab):
    launcher = GroupLauncher(slots=1)
    run(lab, make_jobs(5), launcher, 2)
    assert launcher.groups == [["job0", "job1"], ["job2", "job3"], ["job4"]]


def test_another_backend_is_never_fused(lab: Lab):
    launcher = GroupLauncher(slots=1)
    run(lab, make_jobs(3, "backend=torch"), launcher, 8)
    assert launcher.groups == [["job0"], ["job1"], ["job2"]]


def test_a_finished_companion_is_not_trained(lab: Lab):
    jobs = make_jobs(3)
    complete(lab.new_run(jobs[1].trial))
    launcher = GroupLauncher(slots=1)
    run(lab, jobs, launcher, 8)
    assert launcher.groups == [["job0", "job2"]]
    assert [job.is_new for job in jobs] == [True, False, True]


def test_killed_jobs_start_again_alone_and_finished_ones_do_not(lab: Lab):
    def finish_one(run: Run) -> int:
        return finish(run) if run.key == "job1" else die(run)

    launcher = GroupLauncher(slots=1, job0=[finish_one, finish])
    jobs = make_jobs(3)
    run(lab, jobs, launcher, 8, retries=1)
    assert launcher.groups == [["job0", "job1", "job2"], ["job0"], ["job2"]]
    assert [job.state for job in jobs] == ["finished"] * 3
    assert [job.kills for job in jobs] == [1, 0, 1]


def test_one_that_fails_is_the_only_one(lab: Lab):
    def fail_one(run: Run) -> int:
        if run.key == "job1":
            Journal(run.journal).append(Entry("failed", 2e9, note={"error": "no"}))
        else:
            finish(run)
        return 1

    jobs = make_jobs(3)
    run(lab, jobs, GroupLauncher(slots=1, job0=[fail_one]), 8)
    assert [(job.state, job.reason) for job in jobs] == [
        ("finished", ""),
        ("failed", "no"),
        ("finished", ""),
    ]


def test_an_interrupt_stops_the_process_once(lab: Lab):
    launcher = GroupLauncher(slots=1, job0=[keep_running])

    def stop() -> None:
        if launcher.workers[0].signals:
            launcher.workers[0].status = 143

    launcher.on_wait = stop
    jobs = make_jobs(3)
    run(lab, jobs, launcher, 8, interrupts=lambda: int(bool(launcher.workers)))
    assert launcher.workers[0].signals == ["stop"]
    assert [job.state for job in jobs] == ["stopped"] * 3


def test_a_group_may_take_the_time_of_its_trials():
    assert Limits(time_limit=10.0).of_group(3) == Limits(time_limit=30.0)
    assert Limits().of_group(3) == Limits()


def choose(jobs: list[Job], alone: float, together: float) -> tuple[Fusion, list[str], list[int]]:
    asked: list[int] = []

    def measure(config: Mapping[str, Any], trials: int) -> StepSeconds:
        assert config["seed"] == 0
        asked.append(trials)
        return StepSeconds(alone, together)

    with measured_together.done_by(measure):
        return *choose_fusion(jobs, "auto", 2), asked


def test_auto_measures_each_kind_of_trials():
    jobs = [*make_jobs(40), *make_jobs(6, "activation=tanh", name="tanh")]
    fusion, notes, asked = choose(jobs, 0.003, 0.001)
    times = "(1 ms of CPU time a step and trial together, 3 ms alone)"
    assert notes == [
        f"40 fused trials, digits · mlp: 8 of them train together {times}.",
        f"6 fused trials, digits · mlp: 3 of them train together {times}.",
    ]
    assert asked == [8, 3]
    assert len(fusion.companions(jobs[0], jobs[1:], 2)) == 7
    assert len(fusion.companions(jobs[40], jobs, 2)) == 2


def test_auto_fuses_only_where_it_is_faster():
    jobs = make_jobs(16)
    fusion, (note,), _ = choose(jobs, 0.001, 0.002)
    assert "each trains alone (2 ms of CPU time a step and trial together, 1 ms alone)" in note
    assert fusion.companions(jobs[0], jobs[1:], 2) == []


def test_auto_measures_nothing_where_each_slot_has_one():
    _, (note,), asked = choose(make_jobs(2), 2.0, 1.0)
    assert note == "2 fused trials, digits · mlp: each trains alone (there are 2 slots)."
    assert asked == []


def test_auto_does_not_fuse_on_another_device():
    _, (note,), _ = choose(make_jobs(8), 0.0, 0.0)
    assert "each trains alone (launcher.fuse=auto measures on a CPU only)" in note


def test_a_real_measurement_is_positive():
    seconds = measure_together(make_jobs(1)[0].trial["config"], 2)
    assert seconds.alone > 0
    assert seconds.together > 0


def test_a_measurement_is_made_once_in_a_lab(own_home: None, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []

    def measure(config: Mapping[str, Any], trials: int) -> StepSeconds:
        asked.append(trials)
        return StepSeconds(2.0, 1.0)

    monkeypatch.setattr(checking, "measure_together", measure)
    for seed in range(2):
        jobs = make_jobs(8, f"seed={seed}")
        with checking._by_records(None):
            _, (note,) = choose_fusion(jobs, "auto", 1)
        assert "8 of them train together" in note
    assert asked == [8]


def test_no_fusion_without_sizes():
    jobs = make_jobs(3)
    assert Fusion({}).companions(jobs[0], jobs[1:], 1) == []
