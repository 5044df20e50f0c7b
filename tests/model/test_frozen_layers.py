"""``freeze``: frozen layers stay bit-equal, with their statistics, and the others train."""

from collections.abc import Callable

import pytest
import torch
import train_process
from safetensors.torch import load_file
from torch import nn
from train_process import train_in_subprocess

from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.faults import ConfigError
from ablab.model import build
from ablab.model.frozen_layers import freeze_parameters, frozen_norms, trained_parameters
from ablab.tracking.run import Run


def net() -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)),
        nn.BatchNorm1d(3, affine=False),
        nn.Linear(3, 2),
    )


@pytest.mark.parametrize(
    ("patterns", "trained"),
    [
        (None, ["0.0.weight", "0.0.bias", "0.1.weight", "0.1.bias", "2.weight", "2.bias"]),
        ("0", ["2.weight", "2.bias"]),
        ("0.?", ["2.weight", "2.bias"]),
        ("*.bias", ["0.0.weight", "0.1.weight", "2.weight"]),
        (["0.0", "2.weight"], ["0.1.weight", "0.1.bias", "2.bias"]),
    ],
)
def test_a_pattern_matches_parameters_or_layers_with_their_parameters(
    patterns: str | list[str] | None, trained: list[str]
) -> None:
    network = net()
    freeze_parameters(network, patterns)
    assert [name for name, _ in trained_parameters(network)] == trained


def test_norms_are_frozen_by_name_or_with_their_weights() -> None:
    network = net()
    freeze_parameters(network, "0.1.*")
    assert list(frozen_norms(network, "0.1.*")) == [network[0][1]]
    assert next(frozen_norms(net(), ["1"])).num_features == 3  # without weights of its own
    assert list(frozen_norms(net(), None)) == []


@pytest.mark.parametrize("patterns", ["*", ["0", "2"]])
def test_freezing_everything_is_refused(patterns: str | list[str]) -> None:
    with pytest.raises(ValueError, match="leave something to train"):
        freeze_parameters(net(), patterns)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("freeze=nothing", r"must match parameters or layers of the network \(layers\.1, "),
        ("freeze=*", "must leave something to train"),
        ("freeze=[]", "must be a pattern of names"),
        ("freeze=3", "must be a pattern of names"),
    ],
)
def test_invalid_patterns_are_refused_before_training(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(compose([*train_process.SMALL, override]))


def test_backend_by_hand_refuses_freeze() -> None:
    with pytest.raises(ConfigError, match="freeze must be null for backend=by_hand"):
        resolve(compose(["backend=by_hand", "freeze=*.bias"]))


@pytest.mark.parametrize(
    "overrides", [(), ("optimizer=schedule_free", "scheduler=constant", "regularizer=l2")]
)
def test_frozen_layers_stay_and_the_others_train(
    begin: Callable[..., Run], overrides: tuple[str, ...]
) -> None:
    run = begin("architecture.widths=[16,16]", "freeze='layers.[0-3]'", *overrides)
    config = run.trial["config"]
    first = build.classifier(config, build.datamodule(config)).network.state_dict()
    assert train_in_subprocess(run) == 0
    best = load_file(run.folder / "best.safetensors")
    frozen = [name for name in first if int(name.split(".")[1]) <= 3]
    assert any("running_mean" in name for name in frozen)
    for name in first:
        assert torch.equal(best[name], first[name]) == (name in frozen)


def test_freeze_is_in_the_key() -> None:
    keys = {resolve(compose([*train_process.SMALL, *o])).key for o in ([], ["freeze=layers.1"])}
    assert len(keys) == 2
