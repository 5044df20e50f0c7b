"""Targets, keys and values of components are checked before anything is built."""

import importlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ablab.config import trial
from ablab.config.compose import Composition, components, compose
from ablab.config.groups import AXES
from ablab.config.validate import validate
from ablab.faults import ConfigError
from ablab.model.targets import TargetError, resolve


def faults_of(config: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        validate(config)
    return caught.value.faults


@cache
def _base() -> Composition:
    return compose()


def config(**components: Any) -> dict[str, Any]:
    return {**_base().resolved(), **components}


REFUSED = [
    ("activation", "os.system"),
    ("activation", "posix.system"),
    ("activation", "builtins.eval"),
    ("activation", "subprocess.Popen"),
    ("activation", "torch.nn.parallel.distributed.os.remove"),
    ("activation", "torch.nn.functional.torch.hub.load"),
    ("activation", "torch.nn.functional.importlib.import_module"),
    ("activation", "torch.nn.functional.relu"),
    ("activation", "torch.optim.SGD"),
    ("activation", "torch.load"),
    ("activation", "torch.nn"),
    ("activation", "torch.nn.NoSuchThing"),
    ("activation", "torch..nn.ReLU"),
    ("activation", "torch.nn.modules.batchnorm._BatchNorm"),
    ("activation", "ablab.model.build.classifier"),
    ("activation", "ablab.tracking.lab.Lab"),
    ("activation", "ablab.components.dropout.dropout.Dropout"),
    ("architecture", "ablab.components.architecture.lenet5._check"),
    ("architecture", "ablab.components.architecture.lenet5.LeNet5.forward"),
    ("architecture", "ablab.components.architecture.lenet5.nn.Sequential"),
    ("architecture", "ablab.components.architecture.lenet5"),
    ("augmentation", "ablab.components.augmentation.none._unchanged"),
    ("augmentation", "ablab.components.augmentation.crop_flip.torch.hub.load"),
    ("dataset", "ablab.components.dataset.digits.InMemoryDataModule"),
    ("dataset", "torch.utils.data.TensorDataset"),
    ("initializer", "torch.nn.init.kaiming_normal_"),
    ("optimizer", "torch.nn.ReLU"),
    ("optimizer", "torch.optim.lr_scheduler.ConstantLR"),
    ("scheduler", "torch.optim.Adam"),
    ("activation", "ReLU"),
    ("activation", ""),
    ("activation", None),
    ("activation", 3),
    ("activation", ["torch.nn.ReLU"]),
]


@pytest.mark.parametrize(("axis", "target"), REFUSED)
def test_target_outside_the_axis_is_refused(axis: str, target: Any) -> None:
    (fault,) = faults_of(config(**{axis: {"_target_": target}}))
    assert fault.startswith(f"{axis}._target_ must ")
    assert str(target) in fault


def test_target_from_the_command_line_is_checked_too() -> None:
    with pytest.raises(ConfigError, match=r"os\.system"):
        trial.resolve(compose(["activation._target_=os.system"]))


def test_refused_module_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "traced.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    imported = []
    monkeypatch.setattr(importlib, "import_module", imported.append)
    for target in ("traced.Thing", "traced", "os.system", "antigravity.fly"):
        with pytest.raises(TargetError):
            resolve("activation", target)
    assert imported == []
    assert "traced" not in sys.modules


def test_working_folder_is_searched_for_allowed_modules_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list(sys.path)
    with pytest.raises(TargetError):
        resolve("activation", "mine.Mine")
    assert sys.path == before


def test_users_module_can_be_allowed_by_name(mine: Callable[[str], Path]) -> None:
    mine("from torch import nn\nclass Mine(nn.Module): pass\ndef _private(): pass\n")
    assert resolve("activation", "mine.Mine").__module__ == "mine"
    for target in ("mine._private", "mine.nn.ReLU", "mine.nn", "mine.absent", "minestrone.Mine"):
        with pytest.raises(TargetError):
            resolve("activation", target)


def test_users_module_is_not_allowed_by_default(
    mine: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine("raise SystemExit('imported')\n")
    monkeypatch.delenv("ABLAB_ALLOW")
    (fault,) = faults_of(config(activation={"_target_": "mine.Mine"}))
    assert "ABLAB_ALLOW" in fault


def test_users_module_that_cannot_be_imported_is_refused(mine: Callable[[str], Path]) -> None:
    mine("import no_such_module_at_all\n")
    (fault,) = faults_of(config(activation={"_target_": "mine.Mine"}))
    assert "no_such_module_at_all" in fault


@pytest.mark.parametrize("key", ["_partial_", "_args_", "_recursive_", "_convert_"])
@pytest.mark.parametrize("target", ["torch.nn.ReLU", "torch.nn.Identity"])
def test_keys_that_hydra_interprets_are_refused(key: str, target: str) -> None:
    assert faults_of(config(activation={"_target_": target, key: [1]})) == (
        f"activation must not contain keys that Hydra interprets, got {key}",
    )


@pytest.mark.parametrize(
    "value", [{"_target_": "os.system"}, [{"_target_": "os.system"}], {"a": [{"_target_": "x"}]}]
)
def test_nested_target_is_refused(value: Any) -> None:
    faults = faults_of(config(activation={"_target_": "torch.nn.Identity", "inner": value}))
    assert faults == (f"activation.inner must not contain a _target_, got {value!r}",)


def test_all_faults_are_reported_at_once() -> None:
    faults = faults_of(
        config(
            activation={"_target_": "os.system"},
            pooling={"_target_": "ablab.components.pooling.lp.LpPool", "p": "two"},
            dropout=None,
            optimizer={"_target_": "torch.optim.SGD", "lr": -0.1, "momentumm": 0.9},
            batch_size=0,
            seed=1.5,
        )
    )
    assert [fault.partition(" must ")[0] for fault in faults] == [
        "activation._target_",
        "pooling.form",
        "pooling.p",
        "dropout",
        "optimizer.momentumm",
        "optimizer.lr",
        "seed",
        "batch_size",
    ]
    assert "did you mean momentum?" in faults[4]


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (["optimizer.lr=0"], "optimizer.lr must be a number > 0, got 0"),
        (["optimizer.lr=nan"], "optimizer.lr must be a number > 0, got nan"),
        (["optimizer.lr=inf"], "optimizer.lr must be a number > 0, got inf"),
        (["optimizer.lr=fast"], "optimizer.lr must be a number > 0, got 'fast'"),
        (["optimizer.lr=true"], "optimizer.lr must be a number > 0, got True"),
        (
            ["optimizer.betas=[0.9,1]"],
            "optimizer.betas must be two numbers in [0, 1), got [0.9, 1]",
        ),
        (["optimizer.betas=0.9"], "optimizer.betas must be two numbers in [0, 1), got 0.9"),
        (["optimizer.amsgrad=maybe"], "optimizer.amsgrad must be true or false, got 'maybe'"),
        (["optimizer.weight_decay=-1"], "optimizer.weight_decay must be a number >= 0, got -1"),
        (["loss.label_smoothing=1.1"], "loss.label_smoothing must be a number in [0, 1], got 1.1"),
        (["trainer.max_epochs=0"], "trainer.max_epochs must be an integer >= 1, got 0"),
        (["trainer.max_epochs=1.5"], "trainer.max_epochs must be an integer >= 1, got 1.5"),
        (["seed=-1"], "seed must be an integer >= 0, got -1"),
        (["seed=null"], "seed must be an integer >= 0, got None"),
        (["dataset.val_fraction=half"], "dataset.val_fraction must be a number, got 'half'"),
        (["dataset.split_seed=a"], "dataset.split_seed must be an integer or null, got 'a'"),
        (
            ["initializer=kaiming", "initializer.mode=sideways"],
            "initializer.mode must be one of fan_in, fan_out, got 'sideways'",
        ),
    ],
)
def test_value_out_of_range_is_refused(overrides: list[str], fault: str) -> None:
    assert faults_of(compose(overrides).resolved()) == (fault,)


def test_missing_hyperparameter_is_refused() -> None:
    assert faults_of(config(dropout={"_target_": "ablab.components.dropout.dropout.Dropout"})) == (
        "dropout.p must be given, got nothing",
    )


@pytest.mark.parametrize(
    ("attribute", "got"),
    [("place = 'maps'", "got a class with place='maps': name it site"), ("site = 'map'", "'map'")],
)
def test_dropout_with_an_unknown_site_is_refused(
    mine: Callable[[str], Path], attribute: str, got: str
) -> None:
    mine(f"from torch import nn\nclass Mine(nn.Dropout):\n    {attribute}\n")
    config = compose(["dropout._target_=mine.Mine"]).resolved()
    with pytest.raises(ConfigError, match=r"site units, maps or branches, got") as caught:
        validate(config)
    assert got in str(caught.value)


def test_every_shipped_component_is_valid() -> None:
    for axis in AXES:
        for path in components(axis).values():
            validate(config(**{axis: yaml.safe_load(path.read_text())}))


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (
            ["architecture=plain20", "architecture.depth=60000002"],
            "architecture.depth must be at most 2,000 layers",
        ),
        (
            ["architecture=gru", "architecture.layers=1000000"],
            "architecture.layers must be at most 2,000 layers",
        ),
        (
            ["architecture=resnet18", "architecture.blocks=[2,2,2,9999999]"],
            "architecture.blocks must be at most 2,000 layers",
        ),
        (
            ["architecture=convnext_tiny", "architecture.blocks=[3,3,99999,3]"],
            "architecture.blocks must be at most 2,000 layers",
        ),
        (
            ["architecture=mlp", f"architecture.widths=[{'9,' * 3000}9]"],
            "architecture.widths must be at most 2,000 layers",
        ),
        (
            ["optimizer=lbfgs", "optimizer.max_iter=1000000000"],
            "optimizer.max_iter must be at most 10,000 iterations",
        ),
        (
            ["optimizer=muon", "optimizer.ns_steps=1000000000"],
            "optimizer.ns_steps must be at most 10,000 iterations",
        ),
        (
            ["augmentation=crop_flip", "augmentation.padding=1000000"],
            "augmentation.padding must be at most 4,096 pixels",
        ),
        (
            ["dataset=folder", "dataset.path=.", "dataset.image_size=100000"],
            "dataset.image_size must be at most 4,096 pixels",
        ),
    ],
)
def test_numbers_of_layers_iterations_and_pixels_are_bounded(
    overrides: list[str], fault: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        validate(compose(overrides).resolved())
    assert caught.value.faults[0].startswith(f"{fault} (")


def test_wide_layers_are_not_many_layers() -> None:
    validate(compose(["architecture=mlp", "architecture.widths=[9000,9000]"]).resolved())


@pytest.mark.parametrize(
    "value",
    [{1: 2, "b": 3}, {"a": [{2: 3}]}, float("nan"), [float("nan")], b"hi", {True: 1}, {None: 1}],
)
def test_value_that_json_would_change_is_refused(mine: Callable[[str], Path], value: Any) -> None:
    mine(
        "from torch import nn\nclass Mine(nn.ReLU):\n"
        "    def __init__(self, v=None):\n        super().__init__()\n"
    )
    config = compose().resolved()
    invalid = {**config, "activation": {"_target_": "mine.Mine", "v": value}}
    with pytest.raises(ConfigError, match=r"activation\.v must be null, true, false, a number"):
        validate(invalid)
    validate({**config, "activation": {"_target_": "mine.Mine", "v": {"a": [1, None, "b", 0.5]}}})
    with pytest.raises(ConfigError, match=r"activation\.3 must be one of v; got 3"):
        validate({**config, "activation": {"_target_": "mine.Mine", 3: 1}})
