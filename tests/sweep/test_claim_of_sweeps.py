"""The `claim:` of a sweep: what cannot be decided or measured is refused before training."""

import json
from typing import Any

import pytest

from ablab.faults import ConfigError
from ablab.sweep.claim import parse_claim
from ablab.sweep.planning import plan_sweep
from ablab.sweep.spec import parse
from ablab.tracking.claim import Claim, Expectation, read_claim
from ablab.tracking.spec import read_spec

GOOD: dict[str, Any] = {
    "number": 2,
    "says": "ReLU is better\n than tanh.",
    "source": "S4",
    "rule": "first",
    "second": ["dataset=digits"],
    "expects": [
        {"expect": "higher", "of": "relu", "than": "tanh"},
        {"expect": "equal", "of": "relu", "than": "elu", "margin": 0.01, "metric": "val/accuracy"},
        {"expect": "lower", "of": "all", "than": 0.5, "reduce": ["range", "mean"]},
        {"expect": "identity", "check": "linear_stack"},
    ],
}
SWEEP = {"question": "?", "seeds": 3, "kind": "best"}
GRID = {"activation": ["relu", "tanh", "elu"]}


def parsed(**changes: Any) -> Claim:
    claim = {**GOOD, **changes}
    spec = parse({**SWEEP, "grid": GRID, "claim": claim})
    assert spec.claim is not None
    return spec.claim


def test_a_claim_is_typed_with_its_defaults() -> None:
    claim = parsed()
    assert claim.says == "ReLU is better than tanh."
    first, second, third, fourth = claim.expects
    assert first == Expectation("higher", "test/accuracy", "relu", "tanh")
    assert second.metric == "val/accuracy"
    assert third.reduce == ("range", "mean")
    assert fourth.check == "linear_stack"
    assert claim.metrics == ("test/accuracy", "val/accuracy")
    assert str(first) == "test/accuracy: relu higher than tanh"
    assert str(third) == "test/accuracy: the range over all variants lower than 0.5"


def test_a_claim_survives_the_plan() -> None:
    spec = parse({**SWEEP, "grid": GRID, "claim": GOOD})
    stored = json.loads(json.dumps(spec.for_plan(spec.variants, ["b"]).as_dict()))
    assert read_spec(stored).claim == spec.claim
    with pytest.raises(TypeError):
        read_claim({"says": 1, "source": "", "expects": []})


def test_a_side_may_be_a_baseline_of_scikit_learn() -> None:
    claim = parsed(expects=[HIGHER | {"than": {"baseline": "k_nn"}}, HIGHER])
    assert claim.baselines == ("k_nn",)
    assert claim.expects[0].sides == ("relu",)
    assert str(claim.expects[0]) == "test/accuracy: relu higher than baseline k_nn"


HIGHER = {"expect": "higher", "of": "relu", "than": "tanh"}
CORRELATED = HIGHER | {"than": 1, "reduce": "correlation", "against": "val/loss"}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"source": None}, "sweep.claim.source must be the notes or the paper that assert it, got"),
        ({"says": " "}, "sweep.claim.says must be the sentence that is claimed, got ' '"),
        ({"rule": "most"}, "sweep.claim.rule must be one of all, any, first, got 'most'"),
        ({"number": -1}, "sweep.claim.number must be an integer >= 0, got -1"),
        ({"second": ["digits"]}, "sweep.claim.second must be a list of overrides such as "),
        ({"expects": []}, "sweep.claim.expects must be a list of what would support the claim"),
        ({"hint": 1}, "sweep.claim.hint must be one of "),
        ({"expects": [3]}, "sweep.claim.expects.0 must be a mapping of expect, "),
        (
            {"expects": [HIGHER | {"of": "gelu"}]},
            "expects.0.of must be one of elu, relu, tanh; ",
        ),
        ({"expects": [HIGHER | {"of": {"activation": "x"}}]}, "relu, tanh; got activation=x"),
        ({"expects": [{"expect": "lower", "of": "relu"}]}, "expects.0.than must be one of elu, "),
        (
            {"expects": [HIGHER | {"metric": "test/acc"}]},
            "expects.0.metric must be one of those that `ablab list metric` names, got 'test/acc'",
        ),
        (
            {"expects": [HIGHER | {"margin": -0.1}]},
            "expects.0.margin must be >= 0 where expect is higher, or a lower value would support",
        ),
        (
            {"expects": [HIGHER | {"expect": "equal"}]},
            "expects.0.margin must be a number > 0 in the metric's unit where expect is equal, got",
        ),
        ({"expects": [HIGHER | {"expect": "more"}]}, "expects.0.expect must be one of higher, "),
        ({"expects": [{"expect": "identity", "check": "x"}]}, "expects.0.check must be one of "),
        ({"expects": [HIGHER | {"minus": ["relu"]}]}, "expects.0.minus must be a list of two "),
        ({"expects": [HIGHER | {"reduce": "sum"}]}, "expects.0.reduce must be one of mean, best, "),
        (
            {"expects": [HIGHER | {"of": "all", "than": 1, "reduce": "width", "within": 0.1}]},
            "expects.0.of must select variants that differ in one number > 0 alone, where reduce ",
        ),
        (
            {"expects": [HIGHER | {"of": "all", "than": 1, "reduce": "width"}]},
            "expects.0.within must be a number > 0 in the metric's unit where reduce is width",
        ),
        (
            {"expects": [CORRELATED]},
            "expects.0.of must select three variants or more where reduce is correlation, got relu",
        ),
        (
            {"expects": [HIGHER | {"than": {"baseline": "forest"}}]},
            "expects.0.than.baseline must be one of k_nn, linear_svm, logistic_regression, ",
        ),
        (
            {"expects": [HIGHER | {"than": {"baseline": "k_nn"}, "metric": "test/loss"}]},
            "expects.0.metric must be val/accuracy or test/accuracy where than is a baseline, got ",
        ),
        (
            {"expects": [HIGHER | {"of": {"baseline": "k_nn"}}]},
            "expects.0.of must be one of elu, relu, tanh; got baseline=k_nn",
        ),
        ({"expects": [HIGHER | {"block": "here"}]}, "expects.0.block must be omitted"),
    ],
)
def test_fault_is_named(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(**change)
    assert fault in str(caught.value)
    assert len(caught.value.faults) == (2 if "width" in str(change) and "within" in fault else 1)


def test_a_claim_that_is_no_mapping_is_refused() -> None:
    faults: list[str] = []
    assert parse_claim({"claim": "x"}, {}, {}, faults) is None
    assert faults == ["sweep.claim must be a mapping of says, source and expects, got 'x'"]


WITH_CLAIM = """\
# @package _global_
sweep:
  question: Is ReLU better?
  kind: best
  seeds: 3
  grid: {activation: [relu, tanh]}
  exclude: [{activation: tanh, reason: none}]
  claim:
    says: It is.
    source: S4
    expects:
      - {expect: lower, metric: probe/dead, of: relu, than: tanh}
"""


def test_what_the_plan_lacks_is_refused(sweeps: Any) -> None:
    (sweeps / "mine.yaml").write_text(WITH_CLAIM)
    with pytest.raises(ConfigError) as caught:
        plan_sweep("mine")
    assert caught.value.faults == (
        "sweep.claim.expects.0 must be about variants that are planned, got tanh",
        "probes.activations must be true where sweep.claim.expects.0.metric is probe/dead, got "
        "False",
    )
