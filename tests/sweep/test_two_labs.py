"""Labs on one store train a sweep together; of two, one is killed."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from real_sweeps import Sweep, Workplace, until

from ablab.sweep.sharing import SUPERSEDED
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


def test_four_sweeps_that_begin_at_once_count_each_trial_once(tmp_path: Path) -> None:
    uri = sqlite_uri(tmp_path / "team.db")
    store = Store.open(Lab.open(tmp_path / "new"), uri, create=True)
    places = [Workplace(tmp_path / name) for name in ("ann", "ben", "eve", "joe")]
    sweeps = [start(place, uri) for place in places]
    outputs = [sweep.end() for sweep in sweeps]
    assert [sweep.status for sweep in sweeps] == [0] * 4, outputs
    plans = [read_plan(place.lab.sweep_folder("mine")) for place in places]
    (keys,) = {tuple(cell.key for cell in plan.cells) for plan in plans if plan is not None}
    assert len(keys) == 2 * SEEDS
    for key in keys:
        results = [place.lab.result(key) for place in places]
        completions = [result[1] for result in results if result is not None]
        assert len(completions) == len(places)
        times = {completion.time for completion in completions}
        assert len(times) == 1, outputs  # of one run, in each lab
    counted = [run for run in finished_runs(store) if SUPERSEDED not in run.data.tags]
    assert Counter(run.data.tags["key"] for run in counted) == Counter(keys)
