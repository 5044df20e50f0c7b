"""Composes names, values and files into one configuration, or reports all faults."""

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from ablab.config.compose import components, compose, sweep_names
from ablab.config.groups import AXES, GROUPS
from ablab.faults import ConfigError
from ablab.folders import shipped_folder


def faults(*overrides: str, sweep: str | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        compose(overrides, sweep)
    assert str(caught.value).splitlines() == list(caught.value.faults)
    return caught.value.faults


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_every_group_has_a_choice() -> None:
    composition = compose()
    assert set(composition.choices) == set(GROUPS)
    assert composition.choices["activation"] == "relu"
    assert composition.sweep is None
    scalars = set(yaml.safe_load((shipped_folder("conf") / "config.yaml").read_text())) - {
        "defaults"
    }
    assert scalars > {"seed", "batch_size"}
    assert set(composition.resolved()) == {*GROUPS, *scalars}


def test_choices_and_values_are_applied() -> None:
    composition = compose(
        ["activation=elu", "activation.alpha=0.5", "seed=3", "trainer.precision=64-true"]
    )
    assert composition.choices["activation"] == "elu"
    config = composition.resolved()
    assert config["activation"] == {"_target_": "torch.nn.ELU", "alpha": 0.5}
    assert config["seed"] == 3
    assert config["trainer"]["precision"] == "64-true"


def test_values_may_be_lists_and_nulls() -> None:
    config = compose(["optimizer.betas=[0.8,0.9]", "trainer.gradient_clip_val=1.5"]).resolved()
    assert config["optimizer"]["betas"] == [0.8, 0.9]
    assert (
        compose(["trainer.gradient_clip_val=null"]).resolved()["trainer"]["gradient_clip_val"]
        is None
    )
    assert config["trainer"]["gradient_clip_val"] == 1.5


def test_all_faults_are_reported_at_once() -> None:
    lines = faults(
        "activation=rleu", "optimizer.lrr=0.1", "just words", "dropout=dropout", "dropout.p=2"
    )
    assert len(lines) == 4
    assert lines[0] == "override must be key=value, got just words"
    assert lines[1].startswith("activation must be one of elu, ")
    assert lines[1].endswith("got rleu (did you mean relu?)")
    assert lines[2].startswith("optimizer.lrr must be one of optimizer.amsgrad, ")
    assert lines[2].endswith("(did you mean optimizer.lr?)")
    assert lines[3] == "dropout.p must be in [0, 1), got 2"


def test_faults_of_names_and_values_are_reported_together() -> None:
    lines = faults("poling=max", "optimizer.lr=-1", "batch_size=0")
    assert lines[0].endswith("got poling (did you mean pooling?)")
    assert lines[1:] == (
        "optimizer.lr must be a number > 0, got -1",
        "batch_size must be an integer >= 1 or full, got 0",
    )


@pytest.mark.parametrize(
    ("override", "rule"),
    [
        ("activation=relu,elu", "activation must be one value"),
        ("optimizer.lr=0.1,0.2", "optimizer.lr must be one value"),
        ("seed=range(3)", "seed must be one value"),
        ("+extra=1", "without +, ~ or @"),
        ("++seed=1", "without +, ~ or @"),
        ("~dropout", "without +, ~ or @"),
        ("activation@pooling=relu", "without +, ~ or @"),
        ("activation=[relu,elu]", "activation must be one of elu"),
        ("activation={a:1}", "activation must be one of elu"),
        ("activation=null", "activation must be one of elu"),
        ("hydra.verbose=true", "override must set a key of the trial"),
        ("hydra.run.dir=elsewhere", "override must set a key of the trial"),
        ("hydra/launcher=basic", "hydra/launcher must be one of"),
        ("sweep.seeds=2", "sweep.seeds must be one of"),
        ("sweeps=demo", "sweeps must be one of"),
        ("optimizer.betas.0=0.5", "optimizer.betas must be set as a whole"),
        ("seed.low=1", "seed must be set as a whole"),
        ("seed", "override must be key=value"),
        ("", "override must be key=value"),
    ],
)
def test_invalid_override_is_refused(override: str, rule: str) -> None:
    (line,) = faults(override)
    assert rule in line


def test_interpolation_of_an_unknown_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        compose(["optimizer.lr='${nowhere}'"]).resolved()


def test_values_are_set_in_a_copy() -> None:
    composition = compose()
    changed = composition.with_values({"seed": 4, "optimizer.lr": 0.5})
    assert changed.resolved()["optimizer"]["lr"] == 0.5
    assert changed.resolved()["seed"] == 4
    assert composition.resolved()["seed"] == 0
    with pytest.raises(ConfigError) as caught:
        composition.with_values({"sed": 4, "optimizer.rate": 0.5})
    assert len(caught.value.faults) == 2


def test_users_component_is_found(tmp_path: Path) -> None:
    write(tmp_path / "conf/activation/celu.yaml", "_target_: torch.nn.CELU\nalpha: 2.0\n")
    composition = compose(["activation=celu", "activation.alpha=0.5"])
    assert components("activation")["celu"] == tmp_path / "conf/activation/celu.yaml"
    assert composition.choices["activation"] == "celu"
    assert composition.resolved()["activation"] == {
        "_target_": "torch.nn.CELU",
        "alpha": 0.5,
    }


def test_users_component_is_not_found_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "conf/activation/celu.yaml", "_target_: torch.nn.CELU\n")
    compose(["activation=celu"])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "got celu" in faults("activation=celu")[0]


def test_component_named_as_one_of_ablab_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "conf/activation/relu.yaml", "_target_: torch.nn.GELU\n")
    (line,) = faults()
    assert line.startswith("activation must have a name that ablab does not use, got ")
    assert str(tmp_path / "conf/activation/relu.yaml") in line


@pytest.mark.parametrize("name", ["config.yaml", "trainer", "notes.txt"])
def test_users_conf_holds_axes_only(tmp_path: Path, name: str) -> None:
    write(
        tmp_path / "conf" / name / "x.yaml" if name == "trainer" else tmp_path / "conf" / name,
        "a: 1\n",
    )
    (line,) = faults()
    assert line.endswith(f"must contain only folders of axes and launchers, got {name}")


@pytest.mark.parametrize("text", ["a: [1\n", "- 1\n- 2\n"])
def test_invalid_yaml_of_a_user_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path / "conf/activation/torn.yaml", text)
    (line,) = faults("activation=torn")
    assert str(tmp_path / "conf/activation/torn.yaml") in line


def test_sweep_is_merged_under_the_overrides() -> None:
    composition = compose(["trainer.max_epochs=2", "sweep.seeds=3"], sweep="demo")
    shipped = OmegaConf.load(shipped_folder("sweeps") / "demo.yaml")
    config = composition.resolved()
    assert config["optimizer"]["lr"] == shipped.optimizer.lr
    assert config["trainer"]["max_epochs"] == 2
    assert composition.choices["scheduler"] == "one_cycle"
    assert composition.sweep is not None
    assert composition.sweep["seeds"] == 3
    assert composition.sweep["grid"] == OmegaConf.to_container(shipped.sweep.grid)
    assert "sweep" not in config


def test_users_sweep_is_merged(tmp_path: Path) -> None:
    write(
        tmp_path / "sweeps/mine.yaml",
        "# @package _global_\ndefaults:\n  - override /activation: elu\nbatch_size: 64\n"
        "sweep:\n  question: Which?\n",
    )
    composition = compose(sweep="mine")
    assert composition.choices["activation"] == "elu"
    assert composition.resolved()["batch_size"] == 64
    assert composition.sweep == {"question": "Which?"}
    assert {"mine", "demo"} <= sweep_names().keys()
    assert compose(["activation=tanh"], sweep="mine").choices["activation"] == "tanh"


def test_unknown_sweep_is_refused() -> None:
    (line,) = faults(sweep="demmo")
    assert line.endswith("got demmo (did you mean demo?)")


def test_sweep_named_as_one_of_ablab_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "sweeps/demo.yaml", "sweep: {}\n")
    assert faults(sweep="demo")[0].startswith("sweep must have a name that ablab does not use")


def test_each_axis_has_components() -> None:
    assert all(components(axis) for axis in AXES)
