"""A question is checked as a whole, and all its faults are reported."""

from typing import Any

import pytest

from ablab.faults import ConfigError
from ablab.sweep.spec import parse

GOOD: dict[str, Any] = {
    "question": "Which?",
    "kind": "best",
    "seeds": 2,
    "grid": {"activation": ["relu", "tanh"]},
}


def test_defaults_are_filled_in():
    spec = parse({"question": "Which?", "variants": {"full": {}}})
    assert (spec.kind, spec.metric, spec.goal) == ("versus_baseline", "test/accuracy", "max")
    assert (spec.baseline, spec.seeds, spec.blocks) == ("full", (0,), {})


def test_target_is_read_and_may_be_omitted():
    assert parse(GOOD | {"target": 0.97}).target == 0.97
    assert parse(GOOD).target is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"question": None}, "sweep.question must be a sentence, got None"),
        ({"kind": "bets"}, "sweep.kind must be one of versus_baseline, best"),
        (
            {"metric": "accuracy"},
            "sweep.metric must be one of those that `ablab list metric` names",
        ),
        ({"goal": "most"}, "sweep.goal must be max or min, got 'most'"),
        ({"seeds": 0}, "sweep.seeds must be a count >= 1 or a list of distinct seeds, got 0"),
        ({"seeds": True}, "sweep.seeds must be a count"),
        ({"seeds": [1, 1]}, "sweep.seeds must be a count"),
        ({"seeds": [-1]}, "sweep.seeds must be a count"),
        ({"seed": 3}, "(did you mean seeds?)"),
        ({"margin": 0.1}, "sweep.margin must be null unless kind is equivalence, got 0.1"),
        ({"kind": "equivalence"}, "sweep.margin must be a number > 0"),
        ({"target": 0}, "sweep.target must be a validation accuracy in (0, 1)"),
        ({"target": 97}, "set before training, or null, got 97"),
        ({"target": True}, "sweep.target must be a validation accuracy"),
        ({"target": "0.9"}, "sweep.target must be a validation accuracy"),
        ({"kind": "factors"}, "sweep.grid must be two axes of two values or more"),
        ({"grid": None}, "sweep must be given either grid or variants, got neither"),
        ({"variants": {"full": {}}}, "sweep must be given either grid or variants, got both"),
        ({"grid": {"activation": "relu"}}, "sweep.grid.activation must be a list of values"),
        ({"grid": {"activation": []}}, "sweep.grid.activation must be a list of values"),
        ({"grid": {"activation": [1]}}, "activation must be the name of a component, got 1"),
        ({"grid": {"activation": ["relu"] * 2}}, "must be distinct values, got relu twice"),
        ({"grid": {"seed": [1, 2]}}, "set seeds with sweep.seeds"),
        ({"grid": {"devices": ["cpu"]}}, "sweep.grid must set an axis or a value that changes"),
        ({"grid": {"optimizer": [{"lr": 1}]}}, "optimizer must be the name of a component"),
        ({"baseline": "elu"}, "sweep.baseline must be exactly one of relu, tanh, got 'elu'"),
        ({"baseline": {"pooling": "max"}}, "sweep.baseline must be exactly one of relu, tanh"),
        ({"blocks": {"activation": ["elu"]}}, "set apart from the variants, got activation in"),
        ({"blocks": []}, "sweep.blocks must be a mapping that is not empty, got []"),
        ({"exclude": {"activation": "relu"}}, "sweep.exclude must be a list of mappings"),
        ({"exclude": [{"reason": "none"}]}, "sweep.exclude.0 must be settings to leave out"),
    ],
)
def test_fault_is_named(change: dict[str, Any], fault: str):
    with pytest.raises(ConfigError) as caught:
        parse(GOOD | change)
    assert fault in str(caught.value)


def test_all_faults_are_reported_at_once():
    with pytest.raises(ConfigError) as caught:
        parse(GOOD | {"goal": "most", "seeds": 0, "sedes": 1})
    assert len(caught.value.faults) == 3


def test_sweep_must_be_a_mapping():
    with pytest.raises(ConfigError, match="sweep must be a mapping"):
        parse(None)


@pytest.mark.parametrize(
    ("grid", "names"),
    [
        ({"activation": ["relu", "tanh"]}, ["relu", "tanh"]),
        (
            {"normalization": ["none", "batch"], "dropout": ["none", "dropout"]},
            ["none · none", "none · dropout", "batch · none", "batch · dropout"],
        ),
        ({"optimizer.lr": [0.1, 1]}, ["lr=0.1", "lr=1"]),
        ({"optimizer": ["sgd"], "optimizer.lr": [0.1]}, ["sgd · lr=0.1"]),
        ({"pooling.p": [1], "dropout.p": [0.5]}, ["pooling.p=1 · dropout.p=0.5"]),
        ({"optimizer.betas": [[0.9, 0.99]]}, ["betas=[0.9, 0.99]"]),
    ],
)
def test_variants_of_a_grid_are_named_by_their_settings(grid: dict[str, Any], names: list[str]):
    assert list(parse(GOOD | {"grid": grid}).variants) == names


def test_baseline_is_a_name_or_settings_that_identify_one_variant():
    grid = {"normalization": ["none", "batch"], "dropout": ["none", "dropout"]}
    both = {"normalization": "none", "dropout": "none"}
    assert parse(GOOD | {"grid": grid, "baseline": both}).baseline == "none · none"
    with pytest.raises(ConfigError, match="which is none · none, none · dropout"):
        parse(GOOD | {"grid": grid, "baseline": {"normalization": "none"}})
    named = {"full": {}, "bare": {"normalization": "none"}}
    assert parse(GOOD | {"grid": None, "variants": named, "baseline": {}}).baseline == "full"


def test_comparison_with_a_baseline_must_name_it():
    with pytest.raises(ConfigError, match=r"sweep\.baseline must be exactly one of"):
        parse(GOOD | {"kind": "versus_baseline"})


def test_blocks_are_a_grid_or_named():
    grid = parse(GOOD | {"blocks": {"dataset": ["mnist", "digits"], "architecture": ["lenet5"]}})
    assert list(grid.blocks) == ["mnist · lenet5", "digits · lenet5"]
    named = parse(GOOD | {"blocks": {"small": {"dataset": "digits"}}})
    assert named.blocks == {"small": {"dataset": "digits"}}
