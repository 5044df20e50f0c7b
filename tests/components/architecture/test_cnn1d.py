"""Tests of the one-dimensional convolutional network."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Parts, axes_used, network, num_parameters


def test_it_uses_these_axes() -> None:
    assert axes_used("cnn1d") == {"activation", "normalization", "dropout"}


@pytest.mark.parametrize(("head", "positions"), [("flatten", 7), ("average", 1)])
def test_number_of_parameters_follows_the_formula(head: str, positions: int) -> None:
    module = network("cnn1d", in_channels=3, image_size=28, channels=[6, 8], head=head)
    layers = 6 * (5 * 28 * 3 + 1) + 8 * (5 * 6 + 1)
    assert num_parameters(module) == layers + 8 * positions * 10 + 10


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(1, 9), st.sampled_from([1, 3, 5]), st.integers(1, 3), st.integers(1, 2))
def test_over_rows_it_is_a_2d_convolution_as_wide_as_the_image(
    size: int, kernel_size: int, stride: int, in_channels: int
) -> None:
    module = network(
        "cnn1d",
        Parts(activation="tanh"),
        in_channels=in_channels,
        image_size=size,
        channels=[3],
        kernel_size=kernel_size,
        stride=stride,
    ).double()
    x = torch.randn(2, in_channels, size, size, dtype=torch.float64)
    conv = module.layers[0]
    kernel = conv.weight.unflatten(1, (size, in_channels)).permute(0, 2, 3, 1)
    maps = F.conv2d(x, kernel, conv.bias, (stride, 1), (kernel_size // 2, 0))
    expected = module.head[-1](torch.tanh(maps).flatten(1))
    torch.testing.assert_close(module(x), expected)


def test_an_average_ignores_positions() -> None:
    module = network("cnn1d", image_size=16, head="average", stride=1)
    x = torch.zeros(1, 1, 16, 16)
    x[:, :, 6:9] = torch.rand(3, 16)
    torch.testing.assert_close(module(x.roll(1, dims=2)), module(x))


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ({"kernel_size": 4}, "kernel_size must be odd, got 4"),
        ({"kernel_size": 0}, "kernel_size must be an integer >= 1, got 0"),
        ({"stride": 0}, "stride must be an integer >= 1, got 0"),
        ({"channels": [8, True]}, "channels must be an integer >= 1, got True"),
        ({"channels": []}, r"channels must be one for each layer, got \[\]"),
        ({"head": "last"}, "head must be one of flatten, average, got last"),
    ],
)
def test_an_invalid_option_is_refused(option: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        network("cnn1d", image_size=16, **option)
