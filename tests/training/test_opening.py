"""Processes that open the same trial at the same time get the same run."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.tracking.lab import Lab
from ablab.training import single
from ablab.training.opening import open_run

TRIAL = {"key": "0123456789abcdef", "config": {"seed": 0}}


def test_concurrent_calls_get_the_same_run(lab: Lab):
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: open_run(lab, TRIAL), range(16)))
    assert {run.number for run in runs} == {"001"}


def test_fresh_creates_a_new_run(lab: Lab):
    first = open_run(lab, TRIAL)
    assert open_run(lab, TRIAL).number == first.number
    assert open_run(lab, TRIAL, fresh=True).number == "002"


@pytest.mark.usefixtures("own_home")
def test_a_single_trial_waits_for_the_claim_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lab, key = Lab.open(tmp_path / "lab"), resolve(compose(["architecture=mlp"])).key
    folder = lab.root / "trials" / key
    folder.mkdir(parents=True)
    monkeypatch.setattr(
        "ablab.training.opening.FileLock",
        lambda path: FileLock(path, timeout=0, is_singleton=False),
    )
    claim = FileLock(folder / ".claim", is_singleton=False)
    with claim, pytest.raises(Timeout):
        single.train(["architecture=mlp"], offline=True)
    assert lab.runs(key) == []
