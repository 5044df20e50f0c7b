"""Commands that open the same trial at once agree on one take."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from ablab.config.compose import compose
from ablab.config.trial import freeze
from ablab.tracking.lab import Lab
from ablab.training import single
from ablab.training.opening import open_take

TRIAL = {"key": "0123456789abcdef", "config": {"seed": 0}}


def test_all_that_open_a_trial_at_once_get_the_same_take(lab: Lab):
    with ThreadPoolExecutor(8) as pool:
        takes = list(pool.map(lambda _: open_take(lab, TRIAL), range(16)))
    assert {take.number for take in takes} == {"001"}


def test_fresh_makes_a_new_take(lab: Lab):
    first = open_take(lab, TRIAL)
    assert open_take(lab, TRIAL).number == first.number
    assert open_take(lab, TRIAL, fresh=True).number == "002"


@pytest.mark.usefixtures("own_home")
def test_a_lone_trial_waits_for_the_claim_as_a_sweep_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lab, key = Lab.open(tmp_path / "lab"), freeze(compose(["architecture=mlp"])).key
    folder = lab.root / "trials" / key
    folder.mkdir(parents=True)
    monkeypatch.setattr(
        "ablab.training.opening.FileLock",
        lambda path: FileLock(path, timeout=0, is_singleton=False),
    )
    claim = FileLock(folder / ".claim", is_singleton=False)
    with claim, pytest.raises(Timeout):
        single.train(["architecture=mlp"], offline=True)
    assert lab.takes(key) == []
