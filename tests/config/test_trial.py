"""The key of a trial, and its faults before training."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablab.config import trial
from ablab.config.compose import compose
from ablab.config.groups import AXES, OUTSIDE_KEY
from ablab.config.trial import content_key, key_of, resolve, used_axes
from ablab.data.errors import DataError
from ablab.faults import ConfigError

SMALL = ["architecture=mlp", "architecture.widths=[8]"]


def faults(*overrides: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        resolve(compose(overrides))
    return caught.value.faults


def key(*overrides: str) -> str:
    return resolve(compose([*SMALL, *overrides])).key


@pytest.mark.slow
def test_key_is_the_same_in_another_process() -> None:
    source = (
        "from ablab.config.compose import compose; from ablab.config.trial import resolve;"
        f"print(resolve(compose({[*SMALL, 'seed=2']!r})).key)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == key("seed=2")


@pytest.mark.parametrize("name", ["MLP", "Mlp"])
def test_renamed_component_has_the_key_of_0_1(name: str) -> None:
    """Commit 16ff99c called it Mlp."""
    target = f"ablab.components.architecture.mlp.{name}"
    config = {"architecture": {"_target_": target, "widths": [8]}, "seed": 0}
    assert content_key(config, "data", {}, None) == "738819e04938846a"


def test_component_is_found_by_the_name_that_0_1_gave_it() -> None:
    former = compose([*SMALL, "architecture._target_=ablab.components.architecture.mlp.Mlp"])
    assert resolve(former).key == key()
    lbfgs = "optimizer._target_=ablab.components.optimizer.lbfgs.Lbfgs"
    refused = faults("optimizer=lbfgs", lbfgs, "trainer.gradient_clip_val=1.0")
    assert "optimizer._target_ must not be" in refused[0]


def test_key_does_not_depend_on_order() -> None:
    config = compose(SMALL).resolved()
    turned = {
        k: dict(reversed(v.items())) if isinstance(v, dict) else v
        for k, v in reversed(config.items())
    }
    assert list(turned) != list(config)
    assert key_of(turned, "data", {}) == key_of(config, "data", {})


@pytest.mark.parametrize(
    "override",
    ["seed=1", "optimizer.lr=0.002", "activation=elu", "batch_size=64", "trainer.max_epochs=3"],
)
def test_key_changes_with_the_configuration(override: str) -> None:
    assert key(override) != key()


@pytest.mark.parametrize("override", ["devices=cpu", "tracking=offline", "launcher.slots=1"])
def test_key_does_not_depend_on_groups_outside_it(override: str) -> None:
    assert key(override) == key()


def test_key_changes_with_data_and_source() -> None:
    config = compose(SMALL).resolved()
    keys = {
        key_of(config, "data", {}),
        key_of(config, "other data", {}),
        key_of(config, "data", {"mine.Mine": "00"}),
        key_of(config, "data", {"mine.Mine": "01"}),
    }
    assert len(keys) == 4


def test_neutral_value_is_not_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    config = compose(SMALL).resolved()
    before = key_of(config, "data", {})
    later_options = {"trainer.ema": 0.0, "late": None}
    monkeypatch.setattr(trial, "NEUTRAL", {**trial.NEUTRAL, **later_options})
    later = {**config, "late": None, "trainer": {**config["trainer"], "ema": 0.0}}
    assert key_of(later, "data", {}) == before
    later["trainer"]["ema"] = 0.9
    assert key_of(later, "data", {}) != before


def test_trial_is_plain_json() -> None:
    resolved = resolve(compose(SMALL))
    assert json.loads(json.dumps(resolved.as_dict()))["key"] == resolved.key
    assert set(OUTSIDE_KEY) == set(resolved.outside_key)
    assert resolved.sources == {}


def test_users_source_is_in_the_key(mine: Callable[[str], Path]) -> None:
    source = "from torch import nn\nclass Mine(nn.ReLU): pass\n"
    mine(source)
    first = resolve(compose([*SMALL, "activation=mine"]))
    mine(source + "# edited\n")
    second = resolve(compose([*SMALL, "activation=mine"]))
    assert first.sources.keys() == {"mine.Mine"}
    assert first.key != second.key


def test_users_yaml_of_a_torch_class_is_a_component(tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "activation"
    folder.mkdir(parents=True)
    (folder / "celu.yaml").write_text("_target_: torch.nn.CELU\nalpha: 2.0\n")
    resolved = resolve(compose([*SMALL, "activation=celu"]))
    assert resolved.sources == {}
    assert resolved.choices["activation"] == "celu"


def test_used_axes_are_those_of_the_network() -> None:
    always = set(AXES) - {"activation", "pooling", "normalization", "dropout"}
    assert used_axes(compose().resolved()) == set(AXES)
    assert used_axes(compose(SMALL).resolved()) == set(AXES) - {"pooling"}
    linear = compose(["architecture=mlp", "architecture.widths=[]"]).resolved()
    assert used_axes(linear) == always


def test_faults_of_all_components_are_reported_at_once() -> None:
    lines = faults(
        *("dropout=dropout", "dropout.p=1", "pooling=lp", "pooling.p=0.5"),
        *("loss=mse", "loss.output=tanh", "optimizer=sgd", "optimizer.nesterov=true"),
    )
    assert lines[:3] == (
        "loss.output must be one of softmax, sigmoid, got tanh",
        "pooling.p must be finite and >= 1, got 0.5",
        "dropout.p must be in [0, 1), got 1",
    )
    assert "Nesterov" in lines[3]
    assert len(lines) == 4


def test_value_refused_by_the_dataset_is_reported_with_its_key() -> None:
    assert faults("dataset.val_fraction=2")[0].startswith("dataset.val_fraction must be between")


def test_value_refused_by_the_scheduler_is_reported_with_its_key() -> None:
    assert faults("scheduler=cosine", "scheduler.eta_min=1")[0].startswith("scheduler.eta_min must")


def test_batch_larger_than_the_training_set_is_refused() -> None:
    (fault,) = faults("batch_size=1151")
    assert fault == "batch_size must be from 1 to the number of training images, 1150, got 1151"


def test_clipping_with_a_fused_optimizer_in_half_precision_is_refused() -> None:
    (fault,) = faults("trainer.precision=16-mixed", "trainer.gradient_clip_val=1.0")
    assert fault.startswith("optimizer.fused must be false where trainer.precision is 16-mixed")


def test_batch_not_divisible_by_the_processes_is_refused() -> None:
    (fault,) = faults("devices=ddp_cpu", "batch_size=33")
    assert fault == "batch_size must be divisible by the 2 processes, got 33"


def test_missing_data_are_reported_with_the_command_to_fetch_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ABLAB_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    with pytest.raises(DataError, match="ablab data fetch mnist"):
        resolve(compose(["dataset=mnist"]))


NETWORK = """
import torch
from torch import nn
class Mine(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.layer = nn.Linear(1024, num_classes)
    def forward(self, x):
        {body}
"""


def _network(mine: Callable[[str], Path], tmp_path: Path, body: str) -> list[str]:
    mine(NETWORK.format(body=body))
    (tmp_path / "conf" / "architecture").mkdir()
    (tmp_path / "conf" / "activation" / "mine.yaml").rename(
        tmp_path / "conf" / "architecture" / "mine.yaml"
    )
    return ["architecture=mine"]


def test_users_plain_network_is_an_architecture(
    mine: Callable[[str], Path], tmp_path: Path
) -> None:
    overrides = _network(mine, tmp_path, "return self.layer(x.flatten(1))")
    config = compose(overrides).resolved()
    assert resolve(compose(overrides)).sources.keys() == {"mine.Mine"}
    assert not used_axes(config) & {"activation", "pooling", "normalization", "dropout"}


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("return self.layer(x.flatten(1))[:, :9]", "must return (N, 10) logits, got (2, 9)"),
        ("return None", "must return (N, 10) logits, got ()"),
        ("return self.layer(x)", "must work with its parts and data"),
        ("return self.absent(x)", "must work with its parts and data"),
        ("raise NotImplementedError", "must work with its parts and data, got NotImplementedError"),
    ],
)
def test_network_that_does_not_fit_is_refused(
    mine: Callable[[str], Path], tmp_path: Path, body: str, rule: str
) -> None:
    overrides = _network(mine, tmp_path, body)
    (fault,) = faults(*overrides)
    assert fault.startswith(f"architecture {rule}")


def test_network_whose_shapes_depend_on_values_is_checked_too(
    mine: Callable[[str], Path], tmp_path: Path
) -> None:
    bodies = "x = x.flatten(1); x = x + x.nonzero().sum(); return self.layer(x)"
    overrides = _network(mine, tmp_path, bodies)
    assert resolve(compose(overrides)).key
    (fault,) = faults(*overrides, "optimizer=sgd", "optimizer.nesterov=true")
    assert "Nesterov" in fault


def test_too_small_an_image_is_refused(mine: Callable[[str], Path], tmp_path: Path) -> None:
    overrides = _network(mine, tmp_path, "return self.layer(nn.MaxPool2d(64)(x).flatten(1))")
    (fault,) = faults(*overrides)
    assert fault.startswith("architecture must work with its parts and data")
