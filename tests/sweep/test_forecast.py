"""Forecast of open trials from finished ones, else from a measurement."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes import complete, make_jobs, new_run

from ablab.sweep.forecast import EPOCH_BYTES, RUN_BYTES, START_SECONDS, STORE_BYTES, forecast
from ablab.tracking.completion import Completion, write_completion
from ablab.tracking.lab import Lab


@dataclass
class Cost:
    step_seconds: float = 0.5
    steps_per_epoch: int = 10
    weight_bytes: int = 1000
    checkpoint_bytes: int = 3000
    test_bytes: int = 50


def test_each_network_with_open_trials_is_measured_once(tmp_path: Path):
    jobs = make_jobs("a", "b", "c")
    jobs[2].trial["config"]["batch_size"] = 7
    measured = []
    cost = forecast(jobs, 2, tmp_path, lambda config: measured.append(config) or Cost())
    assert len(measured) == 2
    assert cost.seconds == dict.fromkeys("abc", 0.5 * 10 * 2 + START_SECONDS)
    assert cost.bytes == 3 * (1050 + RUN_BYTES + 2 * EPOCH_BYTES) + STORE_BYTES
    assert cost.temporary_bytes == 2 * (2 * 3000 + 1000)
    assert cost.hours == pytest.approx(3 * (10 + START_SECONDS) / 2 / 3600)


def test_finished_trials_of_other_seeds_replace_the_measurement(lab: Lab, tmp_path: Path):
    jobs = make_jobs("a", "b")
    run = new_run(lab, "a")
    done = Completion("a", "001", "finished", 0.0, {}, {"time/total_seconds": 42.0}, {}, {})
    write_completion(run.folder, done)
    jobs[0].finish(run)
    jobs[1].trial["config"]["seed"] = 1
    assert forecast(jobs, 1, tmp_path, lambda _: Cost()).seconds == {"b": 42.0}


def test_trial_whose_first_steps_raise_has_no_forecast(tmp_path: Path):
    def measure(config: Mapping[str, Any]) -> Cost:
        if config.get("batch_size") == 7:
            raise RuntimeError("no")
        return Cost()

    jobs = make_jobs("a", "b")
    jobs[0].trial["config"]["batch_size"] = 7
    cost = forecast(jobs, 1, tmp_path, measure)
    assert list(cost.seconds) == ["b"]
    assert cost.bytes > 2 * RUN_BYTES


def test_forecast_without_open_trials_is_zero(lab: Lab, tmp_path: Path):
    (job,) = jobs = make_jobs("a")
    run = new_run(lab, "a")
    complete(run)
    job.finish(run)
    cost = forecast(jobs, 1, tmp_path, lambda _: Cost())
    assert (cost.hours, cost.bytes, cost.temporary_bytes) == (0, 0, 0)


def test_a_store_that_exists_is_not_counted(lab: Lab):
    jobs = make_jobs("a")
    without = forecast(jobs, 1, lab.root, lambda _: Cost()).bytes
    (lab.root / "mlflow.db").touch()
    assert without - forecast(jobs, 1, lab.root, lambda _: Cost()).bytes == STORE_BYTES
