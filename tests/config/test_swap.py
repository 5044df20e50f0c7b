"""Components in the place of others: what Hydra would have composed, or nothing."""

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from ablab.config.compose import AXES, components, compose
from ablab.config.swap import Exchange
from ablab.folders import own_folder

OVERRIDES = ("trainer.max_epochs=1", "architecture=mlp", "seed=3")
OTHERS = tuple(axis for axis in AXES if axis != "architecture")


HEAD = "# @package _global_\nsweep:\n  question: Which?\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture(autouse=True)
def _sweep(tmp_path: Path) -> None:
    write(tmp_path / "sweeps/mine.yaml", HEAD)


def exchange(*overrides: str) -> Exchange:
    return Exchange(compose(overrides, "mine"), overrides, "mine")


def assert_same_as_hydra(base: Exchange, axis: str, name: str) -> None:
    found = base({axis: name})
    composed = compose((*OVERRIDES, f"{axis}={name}"), "mine")
    assert found is not None
    assert OmegaConf.to_yaml(found.config) == OmegaConf.to_yaml(composed.config)
    assert found.resolved() == composed.resolved()
    assert (found.choices, found.sweep) == (composed.choices, composed.sweep)


@pytest.mark.parametrize("axis", OTHERS)
def test_last_component_of_an_axis_comes_as_hydra_would_compose_it(axis: str) -> None:
    assert_same_as_hydra(exchange(*OVERRIDES), axis, max(components(axis)))


@pytest.mark.slow
@pytest.mark.parametrize("axis", OTHERS)
def test_each_component_comes_as_hydra_would_compose_it(axis: str) -> None:
    base = exchange(*OVERRIDES)
    for name in components(axis):
        assert_same_as_hydra(base, axis, name)


def test_components_of_several_axes_come_at_once() -> None:
    choices = {"activation": "elu", "optimizer": "sgd"}
    found = exchange()(choices)
    assert found is not None
    assert found.resolved() == compose(["activation=elu", "optimizer=sgd"], "mine").resolved()


def test_base_stays_as_it_was() -> None:
    base = compose(sweep="mine")
    before = OmegaConf.to_yaml(base.config)
    assert Exchange(base, (), "mine")({"activation": "elu"}) is not None
    assert OmegaConf.to_yaml(base.config) == before
    assert base.choices["activation"] != "elu"


def test_users_component_comes_too(tmp_path: Path) -> None:
    write(tmp_path / "conf/activation/celu.yaml", "_target_: torch.nn.CELU\nalpha: 2.0\n")
    found = exchange()({"activation": "celu"})
    assert found is not None
    assert found.resolved() == compose(["activation=celu"], "mine").resolved()


@pytest.mark.parametrize("name", ["elu", "none_such"])
def test_an_axis_that_an_override_speaks_of_is_hydras(name: str) -> None:
    assert exchange("activation._target_=torch.nn.ReLU")({"activation": name}) is None
    assert exchange("activation=relu")({"activation": name}) is None


def test_an_axis_that_the_sweep_speaks_of_is_hydras(tmp_path: Path) -> None:
    write(tmp_path / "sweeps/mine.yaml", f"{HEAD}optimizer:\n  lr: 0.5\n")
    mine = exchange()
    assert mine({"optimizer": "sgd"}) is None
    assert mine({"optimizer": "sgd", "activation": "elu"}) is None
    assert mine({"activation": "elu"}) is not None


@pytest.mark.parametrize(
    "text",
    [
        "# @package _global_\nactivation: {_target_: torch.nn.GELU}\n",
        "defaults: [relu]\n_target_: torch.nn.GELU\n",
    ],
)
def test_a_yaml_that_does_not_stand_alone_is_hydras(tmp_path: Path, text: str) -> None:
    write(tmp_path / "conf/activation/mine.yaml", text)
    assert exchange()({"activation": "mine"}) is None


@pytest.mark.parametrize("choices", [{"activation": "none_such"}, {"trainer": "default"}])
def test_what_is_no_component_is_hydras(choices: dict[str, str]) -> None:
    assert exchange()(choices) is None


def test_no_group_of_the_suite_speaks_of_an_axis() -> None:
    """An axis that held what another file added would be exchanged without it."""
    conf = own_folder("conf")
    assert not set(yaml.safe_load((conf / "config.yaml").read_text())) & set(AXES)
    for path in conf.rglob("*/*.yaml"):
        assert "@package" not in path.read_text(), path
