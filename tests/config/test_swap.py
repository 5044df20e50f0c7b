"""A swap gives what Hydra would have composed, or None."""

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from ablab.config.compose import components, compose
from ablab.config.composition import Composition
from ablab.config.groups import AXES
from ablab.config.swap import swap
from ablab.folders import shipped_folder

OVERRIDES = ("trainer.max_epochs=1", "architecture=mlp", "seed=3")
OTHERS = tuple(axis for axis in AXES if axis != "architecture")


HEAD = "# @package _global_\nsweep:\n  question: Which?\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture(autouse=True)
def _sweep(tmp_path: Path) -> None:
    write(tmp_path / "sweeps/mine.yaml", HEAD)


def base(*overrides: str) -> Composition:
    return compose(overrides, "mine")


def assert_same_as_hydra(composition: Composition, axis: str, name: str) -> None:
    swapped = swap(composition, {axis: name})
    composed = compose((*OVERRIDES, f"{axis}={name}"), "mine")
    assert swapped is not None
    assert OmegaConf.to_yaml(swapped.config) == OmegaConf.to_yaml(composed.config)
    assert swapped.resolved() == composed.resolved()
    assert (swapped.choices, swapped.sweep) == (composed.choices, composed.sweep)


@pytest.mark.parametrize("axis", OTHERS)
def test_last_component_of_an_axis_is_as_composed_by_hydra(axis: str) -> None:
    assert_same_as_hydra(base(*OVERRIDES), axis, max(components(axis)))


@pytest.mark.slow
@pytest.mark.parametrize("axis", OTHERS)
def test_each_component_is_as_composed_by_hydra(axis: str) -> None:
    composition = base(*OVERRIDES)
    for name in components(axis):
        assert_same_as_hydra(composition, axis, name)


def test_several_axes_are_swapped_at_once() -> None:
    swapped = swap(base(), {"activation": "elu", "optimizer": "sgd"})
    assert swapped is not None
    assert swapped.resolved() == compose(["activation=elu", "optimizer=sgd"], "mine").resolved()


def test_base_is_unchanged() -> None:
    composition = base()
    before = OmegaConf.to_yaml(composition.config)
    assert swap(composition, {"activation": "elu"}) is not None
    assert OmegaConf.to_yaml(composition.config) == before
    assert composition.choices["activation"] != "elu"


def test_users_component_is_swapped_too(tmp_path: Path) -> None:
    write(tmp_path / "conf/activation/celu.yaml", "_target_: torch.nn.CELU\nalpha: 2.0\n")
    swapped = swap(base(), {"activation": "celu"})
    assert swapped is not None
    assert swapped.resolved() == compose(["activation=celu"], "mine").resolved()


@pytest.mark.parametrize("name", ["elu", "none_such"])
def test_axis_of_an_override_is_left_to_hydra(name: str) -> None:
    assert swap(base("activation._target_=torch.nn.ReLU"), {"activation": name}) is None
    assert swap(base("activation=relu"), {"activation": name}) is None


def test_axis_in_the_sweeps_yaml_is_left_to_hydra(tmp_path: Path) -> None:
    write(tmp_path / "sweeps/mine.yaml", f"{HEAD}optimizer:\n  lr: 0.5\n")
    composition = base()
    assert swap(composition, {"optimizer": "sgd"}) is None
    assert swap(composition, {"optimizer": "sgd", "activation": "elu"}) is None
    assert swap(composition, {"activation": "elu"}) is not None


@pytest.mark.parametrize(
    "text",
    [
        "# @package _global_\nactivation: {_target_: torch.nn.GELU}\n",
        "defaults: [relu]\n_target_: torch.nn.GELU\n",
    ],
)
def test_yaml_that_depends_on_others_is_left_to_hydra(tmp_path: Path, text: str) -> None:
    write(tmp_path / "conf/activation/mine.yaml", text)
    assert swap(base(), {"activation": "mine"}) is None


@pytest.mark.parametrize("choices", [{"activation": "none_such"}, {"trainer": "default"}])
def test_unknown_component_or_axis_is_left_to_hydra(choices: dict[str, str]) -> None:
    assert swap(base(), choices) is None


def test_no_other_yaml_of_ablab_adds_keys_to_an_axis() -> None:
    """A swap would lose such keys."""
    conf = shipped_folder("conf")
    assert not set(yaml.safe_load((conf / "config.yaml").read_text())) & set(AXES)
    for path in conf.rglob("*/*.yaml"):
        assert "@package" not in path.read_text(), path
