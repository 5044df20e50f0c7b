"""Convolutions by hand against torch's, and against scipy's definition."""

import numpy as np
import pytest
import torch.nn.functional as F
from against import agree, autograd, quickly, random
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import convolve2d, correlate2d
from torch import Tensor

from ablab.reference import convolution, transposed
from ablab.reference.sizes import output_size

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
BORDERS = st.tuples(st.integers(0, 3), st.integers(0, 3))
GEOMETRY = st.fixed_dictionaries({"stride": PAIRS, "padding": BORDERS, "dilation": PAIRS})
SHAPES = st.tuples(*[st.integers(1, 3)] * 3, *[st.integers(7, 10)] * 2)  # N, C, O, H, W


@quickly
@given(SHAPES, PAIRS, GEOMETRY, st.integers(0, 99))
def test_cross_correlation_and_its_gradients_are_torchs(
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    options: dict[str, tuple[int, int]],
    seed: int,
) -> None:
    n, c, o, height, width = shape
    x, weight, bias = (
        random(seed, n, c, height, width),
        random(seed, o, c, *kernel),
        random(seed, o),
    )
    y = convolution.cross_correlation(x, weight, bias, **options)
    dy = random(seed + 1, *y.shape)
    expected, (dx, dw, db) = autograd(lambda *a: F.conv2d(*a, **options), dy, x, weight, bias)
    agree(y, expected)
    agree(convolution.input_gradient(dy, weight, (height, width), **options), dx)
    agree(convolution.weight_gradient(dy, x, kernel, **options), dw)
    agree(convolution.bias_gradient(dy), db)


@pytest.mark.filterwarnings("ignore:.*may require a zero-padded copy:UserWarning")
@pytest.mark.parametrize("kernel", [(1, 1), (2, 3), (4, 4), (5, 5)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_is_torchs(kernel: tuple[int, int], dilation: int) -> None:
    x, weight = random(0, 2, 3, 9, 10), random(1, 4, 3, *kernel)
    dy = random(2, 2, 4, 9, 10)

    def same(x: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(x, weight, padding="same", dilation=dilation)

    expected, (dx, dw) = autograd(same, dy, x, weight)
    options = {"padding": "same", "dilation": dilation}
    agree(convolution.cross_correlation(x, weight, **options), expected)
    agree(convolution.input_gradient(dy, weight, (9, 10), **options), dx)
    agree(convolution.weight_gradient(dy, x, kernel, **options), dw)


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
@pytest.mark.parametrize("kernel", [(3, 3), (1, 5), (5, 3)])
def test_modes_are_scipys(mode: str, kernel: tuple[int, int]) -> None:
    x, weight = random(0, 8, 7), random(1, *kernel)
    correlated = convolution.cross_correlation(x[None, None], weight[None, None], padding=mode)
    agree(correlated[0, 0], correlate2d(x, weight, mode))
    convolved = convolution.convolution(x[None, None], weight[None, None], padding=mode)
    agree(convolved[0, 0], convolve2d(x, weight, mode))


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": "full", "dilation": 2}])
def test_gradients_of_a_convolution_are_those_with_the_flipped_kernel(options: dict) -> None:
    x, weight, bias = random(0, 2, 3, 9, 9), random(1, 4, 3, 3, 2), random(2, 4)
    y = convolution.convolution(x, weight, bias, **options)
    dy = random(3, *y.shape)
    numbers = {**options, "padding": (4, 2) if options else 0}
    expected, (dx, dw, _) = autograd(
        lambda x, w, b: F.conv2d(x, w.flip(2, 3), b, **numbers), dy, x, weight, bias
    )
    agree(y, expected)
    flipped = convolution.flipped(weight)
    agree(convolution.input_gradient(dy, flipped, (9, 9), **options), dx)
    agree(convolution.flipped(convolution.weight_gradient(dy, x, (3, 2), **options)), dw)


def test_input_gradient_is_the_full_convolution_with_the_kernel() -> None:
    weight, dy = random(0, 4, 3, 3, 2), random(1, 2, 4, 6, 7)
    turned = weight.swapaxes(0, 1)
    expected = convolution.convolution(dy, turned, padding="full")
    agree(convolution.input_gradient(dy, weight, (8, 8)), expected)


@quickly
@given(SHAPES, PAIRS, PAIRS, PAIRS, st.data())
def test_transposed_convolution_and_its_gradients_are_torchs(
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    data: st.DataObject,
) -> None:
    n, c, o, height, width = shape
    padding = data.draw(st.tuples(*[st.integers(0, 2)] * 2))
    extra = tuple(data.draw(st.integers(0, s - 1)) for s in stride)
    x, weight, bias = random(0, n, o, height, width), random(1, o, c, *kernel), random(2, c)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    y = transposed.transposed_convolution(x, weight, bias, **options, extra=extra)
    dy = random(3, *y.shape)
    expected, (dx, dw, db) = autograd(
        lambda *a: F.conv_transpose2d(*a, **options, output_padding=extra), dy, x, weight, bias
    )
    agree(y, expected)
    agree(transposed.input_gradient(dy, weight, **options), dx)
    agree(transposed.weight_gradient(dy, x, kernel, **options), dw)
    agree(convolution.bias_gradient(dy), db)


@quickly
@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3), PAIRS)
def test_output_size_counts_the_windows(
    n: int, kernel: int, stride: int, padding: int, dilation: tuple[int, int]
) -> None:
    first_pixels = range(-padding, n + padding, stride)
    fitting = [f for f in first_pixels if f + dilation[0] * (kernel - 1) < n + padding]
    options = {"stride": stride, "padding": padding, "dilation": dilation[0]}
    if fitting:
        assert output_size(n, kernel, **options) == len(fitting)
    else:
        with pytest.raises(ValueError, match="a window must fit the padded image"):
            output_size(n, kernel, **options)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"padding": "circular"}, "padding must be >= 0, valid, same or full, got circular"),
        ({"padding": -1}, "padding must be >= 0, valid, same or full, got -1"),
        ({"stride": 0}, "a window must fit .* stride 0"),
        ({"dilation": 0}, "a window must fit .* dilation 0"),
        ({"dilation": 4}, "a window must fit the padded image of 8 pixels, got kernel 3"),
    ],
)
def test_impossible_geometry_is_refused(options: dict, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        convolution.cross_correlation(np.ones((1, 1, 8, 8)), np.ones((1, 1, 3, 3)), **options)


def test_transposed_convolution_without_output_is_refused() -> None:
    with pytest.raises(ValueError, match="padding must leave a pixel of the output, got 2"):
        transposed.transposed_convolution(np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), padding=2)
