"""The baselines of a claim: of each split of its trials, those that it names, trained once."""

from pathlib import Path

import pytest

from ablab.catalogue.baselines import train_baselines
from ablab.catalogue.claim_baselines import train_compared
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.report.analysis.table import read_table
from ablab.tracking.baselines import read_baselines
from ablab.tracking.claim import read_claim
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, Plan
from ablab.tracking.spec import Spec

EXPECTED = {
    "expect": "higher",
    "metric": "test/accuracy",
    "of": "a",
    "than": {"baseline": "nearest_centroid"},
}
CLAIM = read_claim({"says": "x", "source": "S0", "expects": [EXPECTED]})


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    return Lab.open()


def plan_of(spec: Spec) -> Plan:
    """Two variants on two splits of the digits."""
    overrides = ["data.train_images=200", "architecture=mlp"]
    trials = {
        (variant, seed): resolve(compose([*overrides, f"activation={variant}", f"seed={seed}"]))
        for variant in ("relu", "tanh")
        for seed in (0, 1)
    }
    cells = tuple(Cell("a", seed, variant, t.key) for (variant, seed), t in trials.items())
    stored = {trial.key: trial.as_dict() for trial in trials.values()}
    return Plan("x", (Part("comparison", 0.0, "ablab sweep x", spec, cells, stored),))


def test_each_split_is_trained_on_once(lab: Lab) -> None:
    lines: list[str] = []
    plan = plan_of(Spec(claim=CLAIM, variants={"a": {}}, blocks={"relu": {}, "tanh": {}}))
    found = train_compared(lab, plan, lines.append)
    assert [(record.seed, set(record.results)) for record in found] == [
        (0, {"nearest_centroid"}),
        (1, {"nearest_centroid"}),
    ]
    assert [line.partition(":")[0] for line in lines] == ["digits, seed 0", "digits, seed 1"]
    assert train_compared(lab, plan, lines.append) == found
    assert len(lines) == 2
    same = train_baselines("digits", ["data.train_images=200", "seed=1"], lab=lab)
    assert same.results["nearest_centroid"] == found[1].results["nearest_centroid"]
    for row in read_table(lab, plan):
        expected = found[row.seed].results["nearest_centroid"].metrics["test/accuracy"]
        assert row.others["baseline/nearest_centroid/test/accuracy"] == (expected, "")


def test_a_sweep_that_compares_with_none_trains_none(lab: Lab) -> None:
    assert train_compared(lab, plan_of(Spec())) == []
    assert read_baselines(lab.root) == []
