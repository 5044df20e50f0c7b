"""Identities that claims rest on, computed in float64 with their residuals and costs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ablab.reference.activation import sigmoid, tanh
from ablab.reference.average import window
from ablab.reference.convolution import cross_correlation
from ablab.reference.linear import linear
from ablab.reference.recurrent import Weights, outputs, real_time, states, through_time
from ablab.reference.windows import Array, windows


@dataclass(frozen=True)
class Identity:
    """An identity as it was computed.

    Attributes:
        formula: both sides.
        residual: largest absolute difference of the sides, relative to the largest value.
        cost: what both sides cost, in words.
    """

    formula: str
    residual: float
    cost: str


def linear_stack() -> Identity:
    """Compare four stacked linear layers with the one layer of their product.

    Source: W4 (W3 (W2 (W1 x + b1) + b2) + b3) + b4 is affine in x.
    """
    generator = np.random.default_rng(0)
    widths = (64, 100, 100, 100, 10)
    x = generator.normal(size=(200, widths[0]))
    y, weight, bias = x, np.eye(widths[0]), np.zeros(widths[0])
    count = 0
    for inputs, units in pairwise(widths):
        w = generator.normal(size=(units, inputs)) / np.sqrt(inputs)
        b = generator.normal(size=units)
        y, weight, bias = linear(y, w, b), w @ weight, w @ bias + b
        count += w.size + b.size
    one = weight.size + bias.size
    return Identity(
        "W4 (W3 (W2 (W1 x + b1) + b2) + b3) + b4 = W x + b",
        _residual(y, linear(x, weight, bias)),
        f"{count:,} parameters for the stack, {one:,} for the one layer",
    )


def weight_sharing() -> Identity:
    """Compare a locally connected layer whose kernels are all equal with a convolution.

    Source: LeCun et al. 1989, Backpropagation applied to handwritten zip code recognition.
    """
    generator = np.random.default_rng(0)
    x, kernel = generator.normal(size=(2, 3, 12, 12)), generator.normal(size=(4, 3, 3, 3))
    taken = windows(x, (3, 3))
    side = taken.shape[-1]
    local = np.broadcast_to(kernel[..., None, None], (*kernel.shape, side, side))
    y = np.einsum("uvncij,ocuvij->noij", taken, local)
    sizes = [
        f"{s} pixels: {kernel.size:,} and {kernel.size * (s - 2) ** 2:,}" for s in (8, 16, 32, 64)
    ]
    return Identity(
        "locally connected layer with equal kernels = convolution",
        _residual(y, cross_correlation(x, kernel)),
        f"weights of the convolution and of the locally connected layer at {'; '.join(sizes)}",
    )


def translation() -> Identity:
    """Compare the convolution of a moved image with the moved convolution, off the borders.

    Source: Goodfellow et al. 2016, Deep Learning, section 9.2.
    """
    generator = np.random.default_rng(0)
    x, kernel = generator.normal(size=(2, 1, 20, 20)), generator.normal(size=(3, 1, 5, 5))
    moved = np.roll(x, (2, 3), axis=(2, 3))
    a, b = cross_correlation(moved, kernel), cross_correlation(x, kernel)
    by_two = cross_correlation(moved, kernel, stride=2), cross_correlation(x, kernel, stride=2)
    strided = _residual(by_two[0][:, :, 1:, 2:], by_two[1][:, :, :-1, 1:-1])
    return Identity(
        "convolution of the image moved by (2, 3) = convolution moved by (2, 3), off the borders",
        _residual(a[:, :, 2:, 3:], b[:, :, :-2, :-3]),
        f"exact at stride 1 alone: at stride 2 the residual is {strided:.2g}",
    )


def pixelwise_map() -> Identity:
    """Compare a 1x1 convolution with one linear map of each pixel's channels.

    Source: Lin et al. 2014, arXiv:1312.4400.
    """
    generator = np.random.default_rng(0)
    x, kernel = generator.normal(size=(2, 16, 9, 9)), generator.normal(size=(4, 16, 1, 1))
    pixels = x.transpose(0, 2, 3, 1).reshape(-1, 16)
    mapped = linear(pixels, kernel[:, :, 0, 0]).reshape(2, 9, 9, 4).transpose(0, 3, 1, 2)
    direct, reduced = 9 * 16 * 16, 16 * 4 + 9 * 4 * 16
    return Identity(
        "1x1 convolution = the same linear map at every pixel",
        _residual(cross_correlation(x, kernel), mapped),
        f"products per pixel, 3x3 from 16 to 16 maps: {direct:,}; after 1x1 to 4 maps: {reduced:,}",
    )


def two_small_kernels() -> Identity:
    """Compare two 3x3 convolutions without an activation between them with one of 5x5.

    Source: Simonyan and Zisserman 2015, arXiv:1409.1556, section 2.3.
    """
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 3, 12, 12))
    first, second = generator.normal(size=(4, 3, 3, 3)), generator.normal(size=(5, 4, 3, 3))
    joint = np.zeros((5, 3, 5, 5))
    for u in range(3):
        for v in range(3):
            joint[:, :, u : u + 3, v : v + 3] += np.einsum(
                "om,mcij->ocij", second[..., u, v], first
            )
    stacked = cross_correlation(cross_correlation(x, first), second)
    return Identity(
        "3x3 after 3x3, without an activation between them = one 5x5",
        _residual(stacked, cross_correlation(x, joint)),
        "weights of C to C maps: 18 C^2 for two 3x3, 25 C^2 for one 5x5",
    )


def dilated_kernel() -> Identity:
    """Compare a dilated 3x3 convolution with one of 5x5 that has zeros between its weights.

    Source: Yu and Koltun 2016, arXiv:1511.07122.
    """
    generator = np.random.default_rng(0)
    x, kernel = generator.normal(size=(2, 3, 12, 12)), generator.normal(size=(4, 3, 3, 3))
    spread = np.zeros((4, 3, 5, 5))
    spread[:, :, ::2, ::2] = kernel
    return Identity(
        "3x3 of dilation 2 = 5x5 with zeros between the weights",
        _residual(cross_correlation(x, kernel, dilation=2), cross_correlation(x, spread)),
        f"{kernel.size} weights at any dilation; the window grows from 3 to 5 pixels",
    )


def shifted_sigmoid() -> Identity:
    """Compare tanh with a sigmoid that is scaled and shifted.

    Source: LeCun et al. 1998, Efficient BackProp, section 4.4.
    """
    x = np.linspace(-20, 20, 4001)
    return Identity(
        "tanh(x) = 2 sigmoid(2 x) - 1",
        _residual(tanh(x), 2 * sigmoid(2 * x) - 1),
        "the two differ by slope (1 and 0.25 at 0) and by center (0 and 0.5)",
    )


def mean_windows() -> Identity:
    """Compare the mean age of an exponentially weighted mean, summed, with its closed form.

    Source: Kingma and Ba 2015, arXiv:1412.6980, section 3; the window is 1 + the mean age.
    """
    betas = np.array([0.9, 0.9005, 0.999, 0.9995])
    ages = np.arange(100_000)
    sums = np.array([((1 - beta) * beta**ages * ages).sum() for beta in betas])
    closed = np.array([window(float(beta)) - 1 for beta in betas])
    named = ", ".join(f"{window(float(beta)):g} for {beta:g}" for beta in betas)
    return Identity(
        "sum of i (1 - beta) beta^i = beta / (1 - beta), so the window is 1 / (1 - beta)",
        _residual(sums, closed),
        f"windows: {named}; 1 / (1 - beta) is a hyperbola, not an exponential",
    )


def equal_gradients() -> Identity:
    """Compare the gradients of backpropagation through time and real-time recurrent learning.

    Source: Werbos 1990; Williams and Zipser 1989.
    """
    generator = np.random.default_rng(0)
    hidden, inputs, classes, sequences = 16, 8, 4, 8
    weights = Weights(
        generator.normal(size=(hidden, hidden)) / hidden,
        generator.normal(size=(hidden, inputs)),
        generator.normal(size=hidden),
        generator.normal(size=(classes, hidden)),
        generator.normal(size=classes),
    )
    residual, costs = 0.0, []
    for steps in (8, 32, 128):
        x = generator.normal(size=(steps, sequences, inputs))
        h = states(x, weights)
        dy = outputs(h, weights)
        (a, first), (b, second) = (_timed(f, dy, x, h, weights) for f in (through_time, real_time))
        residual = max(residual, *(_residual(p, q) for p, q in zip(a, b, strict=True)))
        costs.append(f"{steps} steps: {1e3 * first:.2g} and {1e3 * second:.2g} ms")
    stored = sequences * hidden
    carried = stored * (hidden + inputs + 1) * hidden
    return Identity(
        "gradient of backpropagation through time = gradient of real-time recurrent learning",
        residual,
        f"{'; '.join(costs)}; numbers kept: {stored:,} per step, and {carried:,} at any length",
    )


def _timed(
    gradient: Callable[..., Weights], dy: Array, x: Array, h: Array, weights: Weights
) -> tuple[Weights, float]:
    start = time.perf_counter()
    result = gradient(dy, x, h, weights)
    return result, time.perf_counter() - start


def _residual(a: Array, b: Array) -> float:
    return float(np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max()))


IDENTITIES: Mapping[str, Callable[[], Identity]] = {
    identity.__name__: identity
    for identity in (
        linear_stack,
        weight_sharing,
        translation,
        pixelwise_map,
        two_small_kernels,
        dilated_kernel,
        shifted_sigmoid,
        mean_windows,
        equal_gradients,
    )
}
