"""Contract of the sweeps that come with ablab: each asks its question and can be planned."""

import os
from pathlib import Path

import pytest

from ablab.config.compose import compose
from ablab.folders import shipped_folder
from ablab.sweep.planning import plan_sweep
from ablab.sweep.spec import parse

FILES = sorted(shipped_folder("sweeps").glob("*.yaml"))  # test_claims.py has those of claims
REDUCED = ["dataset=digits", "trainer.max_epochs=3", "data.train_images=null", "sweep.seeds=2"]


def test_there_are_sweeps():
    assert len(FILES) >= 20


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_sweep_has_a_comment_and_a_question(file: Path):
    first, second = file.read_text("utf-8").splitlines()[:2]
    assert first == "# @package _global_"
    assert second.startswith("# ")
    assert parse(compose(sweep=file.stem).sweep).question.endswith("?")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_sweep_can_be_reduced_to_the_embedded_data(file: Path):
    plan = plan_sweep(file.stem, REDUCED)
    assert plan.sweep == f"{file.stem} [data.train_images=null dataset=digits trainer.max_epochs=3]"
    assert plan.spec.seeds == (0, 1)
    assert len(plan.cells) == 2 * len(plan.spec.variants) == len(plan.trials)
    assert not plan.excluded


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.skipif("ABLAB_DATA" not in os.environ, reason="needs the real data: ABLAB_DATA")
def test_sweep_plans_on_its_own_data(file: Path):
    plan = plan_sweep(file.stem, ["sweep.seeds=1"])
    assert len(plan.cells) == len(plan.spec.variants) >= 1
    assert not plan.excluded
