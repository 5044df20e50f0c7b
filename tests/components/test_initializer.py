"""The contract of every initializer, and the variances that they state."""

import pytest
import torch
from contract import build
from torch import nn

from ablab.streams import forked

CONV_FANS = 32 * 9, 64 * 9
LINEAR_FANS = 300, 500


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64), nn.Linear(300, 500))


def initialised(name: str, seed: int = 0, **options: object) -> nn.Sequential:
    with forked(seed, "init"):
        module = network()
        build("initializer", name, module=module, batch=None, **options)
    return module


def test_weights_are_finite_and_differ(initializer: str) -> None:
    module = initialised(initializer)
    assert all(parameter.isfinite().all() for parameter in module.parameters())
    assert all(module[layer].weight.unique().numel() > 1000 for layer in (0, 2))


def test_weights_follow_the_seed_alone(initializer: str) -> None:
    first, again, other = (initialised(initializer, seed) for seed in (0, 0, 1))
    assert first[0].weight.equal(again[0].weight)
    assert not first[0].weight.equal(other[0].weight)


def test_normalization_keeps_its_own_start(initializer: str) -> None:
    norm = initialised(initializer)[1]
    assert norm.weight.equal(torch.ones(64))
    assert norm.bias.equal(torch.zeros(64))


def test_layout_of_the_weights_is_kept(initializer: str) -> None:
    module = nn.Sequential(nn.Conv2d(32, 64, 3))
    nn.utils.convert_conv2d_weight_memory_format(module, torch.channels_last)
    build("initializer", initializer, module=module, batch=None)
    assert module[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_layers_without_bias_are_served(initializer: str) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Linear(4, 2, bias=False))
    build("initializer", initializer, module=module, batch=None)
    assert all(parameter.isfinite().all() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "options", "variance"),
    [
        ("default", {}, lambda fan_in, fan_out: 1 / (3 * fan_in)),
        ("kaiming", {}, lambda fan_in, fan_out: 2 / fan_in),
        ("kaiming", {"mode": "fan_out"}, lambda fan_in, fan_out: 2 / fan_out),
        ("xavier", {}, lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        ("xavier", {"gain": 3.0}, lambda fan_in, fan_out: 18 / (fan_in + fan_out)),
    ],
)
def test_variance_is_as_stated(name: str, options: dict, variance) -> None:
    module = initialised(name, **options)
    for layer, fans in ((module[0], CONV_FANS), (module[2], LINEAR_FANS)):
        # the variance of 18,432 or more normal draws has a relative sd of about 1 %
        assert layer.weight.var().item() == pytest.approx(variance(*fans), rel=0.05)
        assert abs(layer.weight.mean().item()) < 5 * (variance(*fans) / 18_432) ** 0.5


@pytest.mark.parametrize("name", ["kaiming", "xavier"])
def test_biases_are_zero(name: str) -> None:
    module = initialised(name)
    assert not module[0].bias.any()
    assert not module[2].bias.any()


def test_kaiming_refuses_an_unknown_mode() -> None:
    with pytest.raises(ValueError, match="mode must be one of fan_in, fan_out, got fan"):
        initialised("kaiming", mode="fan")


def test_xavier_refuses_a_gain_of_zero() -> None:
    with pytest.raises(ValueError, match="gain must be > 0, got 0"):
        initialised("xavier", gain=0)
