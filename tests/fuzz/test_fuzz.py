"""Any configuration is accepted and trains, or is refused with well-formed faults."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from fuzz_cases import case, cheap_case
from fuzz_judge import judge, set_up

from ablab.tracking.lab import Lab
from ablab.training.single import train

CASES = 120
TRAINED = 16


@pytest.fixture(autouse=True)
def _own_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    for name in ("ABLAB_DATA", "ABLAB_ALLOW", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)


def test_every_configuration_is_accepted_or_refused_with_well_formed_faults(tmp_path: Path):
    verdicts = {seed: judge(case(seed), tmp_path) for seed in range(CASES)}
    assert {seed: v for seed, v in verdicts.items() if not v.is_good} == {}
    counts = Counter(v.kind for v in verdicts.values())
    assert counts["accepted"] > CASES / 10
    assert counts["refused"] > CASES / 2


@pytest.mark.slow
def test_accepted_configurations_train_to_the_end(tmp_path: Path):
    lab, seed = Lab.open(tmp_path / "lab"), 0
    while len(list(lab.keys())) < TRAINED:
        drawn = cheap_case(seed)
        if drawn.sweep is None and judge(drawn, tmp_path).kind == "accepted":
            with set_up(drawn, tmp_path):
                code, run = train(drawn.overrides, offline=True)
            assert (code, run.status() in ("finished", "diverged")) == (0, True), drawn
        seed += 1
