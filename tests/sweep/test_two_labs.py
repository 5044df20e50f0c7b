"""Two labs on one store train a sweep together, and one of them is killed."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from real_sweeps import Sweep, Workplace, until

from ablab.tracking.address import sqlite_uri
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan
from ablab.tracking.store import Store

pytestmark = pytest.mark.slow
SEEDS = 3


def start(workplace: Workplace, uri: str) -> Sweep:
    settings = {**workplace.settings, "MLFLOW_TRACKING_URI": uri}
    return Sweep(workplace.folder, settings, [f"sweep.seeds={SEEDS}"])


def finished_runs(store: Store) -> list[Any]:
    experiment = store.find_experiment("mine")
    found = store.client.search_runs([experiment.experiment_id], "tags.`ablab.kind` = 'trial'")
    return [run for run in found if "completion" in run.data.params]


def test_each_trial_is_counted_once_though_a_lab_is_killed(tmp_path: Path) -> None:
    uri = sqlite_uri(tmp_path / "team.db")
    store = Store.open(Lab.open(tmp_path / "new"), uri, create=True)
    ann, ben = Workplace(tmp_path / "ann"), Workplace(tmp_path / "ben")
    ann.slow(True)
    killed = start(ann, uri)
    until(lambda: sum(run.is_locked() for run in ann.runs()) == 2)
    (ann.folder / "hold").touch()
    other = start(ben, uri)
    until(lambda: any(run.completion for run in ben.runs()))
    killed.kill()
    output = other.end()
    assert other.status == 0, output
    plan = read_plan(ben.lab.sweep_folder("mine"))
    assert plan is not None
    keys = [cell.key for cell in plan.cells]
    assert len(keys) == 2 * SEEDS
    assert all(ben.lab.finished(key) for key in keys)
    until(lambda: not any(run.is_locked() for run in ann.runs()))
    (ann.folder / "hold").unlink()
    ann.slow(False)
    again = start(ann, uri)
    output = again.end()
    assert again.status == 0, output
    for key in keys:
        mine, theirs = ann.lab.finished(key), ben.lab.finished(key)
        assert mine is not None
        assert theirs is not None
        assert mine.completion is not None
        assert theirs.completion is not None
        assert mine.completion.metrics == theirs.completion.metrics
        assert mine.completion.time == theirs.completion.time  # the same run
    assert Counter(run.data.tags["key"] for run in finished_runs(store)) == Counter(keys)
