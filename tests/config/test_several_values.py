"""Hydra's multirun notation gives the values that Hydra's own sweeper gives, or a fault."""

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from ablab.config.several_values import split_sweeps

COMPONENTS = {"activation": ["elu", "gelu", "relu", "my relu (1)"]}


def split(*overrides: str) -> tuple[list[str], dict[str, list[object]], list[str]]:
    return split_sweeps(overrides, lambda group: COMPONENTS.get(group, ()))


@pytest.mark.parametrize(
    "override",
    [
        "seed=1,2,3",
        "seed=choice(1,2)",
        "seed=range(4)",
        "seed=range(10,1,-3)",
        "optimizer.lr=0.1,1e-3",
        "optimizer.lr=range(0.5,2,0.5)",
        "optimizer.betas=[0.9,0.99],[0.8,0.9]",
        "optimizer.lr=sort(3,1,2,reverse=true)",
        "trainer.gradient_clip_val=null,1.0",
        "dataset.path='a,b','c d'",
        "batch_size=full,32",
    ],
)
def test_values_are_those_of_hydras_sweeper(override: str):
    fixed, swept, faults = split(override)
    parser = OverridesParser.create()
    (batch,) = BasicSweeper.split_arguments(parser.parse_overrides([override]), None)
    expected = [parser.parse_override(text).value() for (text,) in batch]
    assert (fixed, faults) == ([], [])
    assert swept == {override.partition("=")[0]: expected}


def test_glob_matches_components_of_any_name():
    assert split("activation=glob(*)")[1]["activation"] == sorted(COMPONENTS["activation"])
    assert split("activation=glob([*elu],exclude=g*)")[1]["activation"] == ["elu", "relu"]


def test_single_values_are_left_as_they_are_typed():
    assert split("activation=relu", "x=", "seed=1,2") == (
        ["activation=relu", "x="],
        {"seed": [1, 2]},
        [],
    )


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["loss@x=a,b"], "override must be key=value without +, ~ or @, got loss@x=a,b"),
        (["lr=interval(0,1)"], "lr must be values that can be listed, got interval(0,1)"),
        (["lr=range(0.0,1.0,0.0)"], "lr must be values that can be listed, got range("),
        (["seed=range(2,1)"], "seed must have at least one value, got range(2,1), which has none"),
        (["activation=glob(z*)"], "activation must have at least one value, got glob(z*)"),
        (["optimizer.lr=glob(*)"], "optimizer.lr must have at least one value, got glob(*)"),
        (["seed=range(1000000000000)"], "seed must be at most 20,000 trials"),
        (["seed=shuffle(range(1000000000000))"], "seed must be at most 20,000 trials"),
        (["seed=1,2,1"], "seed must be distinct values, got 1 twice"),
        (["seed=1,2", "seed=3"], "seed must be set once, got 2 overrides of it"),
        ([f"lr=1,{10**30}"], "lr must be at most 9,223,372,036,854,775,807 in size"),
    ],
)
def test_values_that_cannot_be_trained_are_refused(overrides: list[str], expected: str):
    faults = split(*overrides)[2]
    assert len(faults) == 1
    assert faults[0].startswith(expected)
