"""Tests of the time-delay neural network."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Parts, axes_used, network, num_parameters, weightless
from torch import nn


def test_it_uses_these_axes() -> None:
    assert axes_used("tdnn") == {"activation", "normalization", "dropout"}


@pytest.mark.parametrize(("readout", "summed"), [("average", 7), ("statistics", 14)])
def test_number_of_parameters_follows_the_formula(readout: str, summed: int) -> None:
    options = {"channels": [5, 7], "delays": [2, 4], "readout": readout}
    module = network("tdnn", in_channels=3, image_size=28, **options)
    layers = 5 * (3 * 28 * 3 + 1) + 7 * (5 * 5 + 1)
    assert num_parameters(module) == layers + summed * 10 + 10


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(0, 3), st.integers(0, 3), st.integers(1, 2))
def test_a_layer_is_one_linear_map_of_a_step_and_its_delays(
    first: int, second: int, in_channels: int
) -> None:
    size = first + second + 2
    module = network(
        "tdnn",
        Parts(activation="tanh"),
        in_channels=in_channels,
        image_size=size,
        channels=[3, 4],
        delays=[first, second],
    ).double()
    x = torch.randn(2, in_channels, size, size, dtype=torch.float64)
    steps = module.scan(x)
    convolutions = [layer for layer in module.layers if isinstance(layer, nn.Conv1d)]
    for conv, delay in zip(convolutions, (first, second), strict=True):
        weight = conv.weight.flatten(1)
        windows = [steps[:, t : t + delay + 1] for t in range(steps.shape[1] - delay)]
        flat = torch.stack([window.transpose(1, 2).flatten(1) for window in windows], 1)
        steps = torch.tanh(F.linear(flat, weight, conv.bias))
    torch.testing.assert_close(module(x), module.head(steps).mean(1))


@pytest.mark.parametrize("readout", ["average", "statistics"])
def test_logits_do_not_depend_on_the_position_in_time(readout: str) -> None:
    module = network("tdnn", image_size=24, readout=readout)
    x = torch.zeros(1, 1, 24, 24)
    x[:, :, 7:10] = torch.rand(3, 24)
    torch.testing.assert_close(module(x.roll(5, dims=2)), module(x))
    assert not torch.allclose(module(x.roll(5, dims=3)), module(x))


@pytest.mark.parametrize(("read", "least"), [("rows", 11), ("columns", 11), ("pixels", 4)])
def test_an_image_of_too_few_steps_is_refused(read: str, least: int) -> None:
    options = {"channels": [4, 4], "delays": [4, 6], "read": read}
    assert weightless("tdnn", image_size=least, **options)
    fault = f"dataset.image_size must be at least {least} for 10 delays, got {least - 1}"
    with pytest.raises(ValueError, match=fault):
        weightless("tdnn", image_size=least - 1, **options)


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ({"delays": [2]}, r"delays must be one for each of the channels \[128, 128\], got \[2\]"),
        ({"delays": [2, -1]}, "delays must be an integer >= 0, got -1"),
        ({"channels": [8, 0]}, "channels must be an integer >= 1, got 0"),
        ({"channels": [], "delays": []}, r"delays must be one for each of the channels \[\]"),
        ({"readout": "last"}, "readout must be one of average, statistics, got last"),
    ],
)
def test_an_invalid_option_is_refused(option: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        network("tdnn", image_size=16, **option)
