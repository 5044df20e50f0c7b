"""Linear layers, activations, batch normalization and dropout by hand, against torch's."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from against import agree, autograd, quickly, random
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ablab.reference import activation, dropout, linear, normalization, rectifier

SIZES = st.tuples(st.integers(2, 6), st.integers(1, 6), st.integers(1, 6))
Case = tuple[ModuleType, str, Any, dict[str, float]]
ELEMENTWISE: list[Case] = [
    (activation, "identity", lambda z: z * 1, {}),
    (activation, "sigmoid", torch.sigmoid, {}),
    (activation, "tanh", torch.tanh, {}),
    (activation, "softmax", lambda z: z.softmax(1), {}),
    (rectifier, "relu", F.relu, {}),
    (rectifier, "leaky_relu", lambda z: F.leaky_relu(z, 0.2), {"slope": 0.2}),
    (rectifier, "leaky_relu", lambda z: F.leaky_relu(z, 3.0), {"slope": 3.0}),
    (rectifier, "elu", lambda z: F.elu(z, 1.7), {"alpha": 1.7}),
]


@quickly
@given(SIZES, st.booleans())
def test_linear_and_its_gradients_are_torchs(sizes: tuple[int, int, int], biased: bool) -> None:
    n, i, k = sizes
    x, weight, bias = random(0, n, i), random(1, k, i), random(2, k)
    dz = random(3, n, k)
    expected, (dx, dw, db) = autograd(F.linear, dz, x, weight, bias)
    agree(linear.linear(x, weight, bias), expected)
    agree(linear.linear(x, weight), expected - bias)
    agree(linear.input_gradient(dz, weight), dx)
    agree(linear.weight_gradient(dz, x), dw)
    agree(linear.bias_gradient(dz), db)


@pytest.mark.parametrize("case", ELEMENTWISE)
@quickly
@given(SIZES, st.sampled_from([0.1, 1.0, 50.0]))
def test_activations_and_their_gradients_are_torchs(
    case: Case, sizes: tuple[int, int, int], scale: float
) -> None:
    module, name, torchs, options = case
    z, da = scale * random(0, *sizes), random(1, *sizes)
    expected, (dz,) = autograd(torchs, da, z)
    agree(getattr(module, name)(z, **options), expected)
    agree(getattr(module, f"{name}_gradient")(da, z, **options), dz)


@pytest.mark.parametrize("case", ELEMENTWISE)
def test_gradients_at_zero_are_torchs(case: Case) -> None:
    module, name, torchs, options = case
    z, da = np.zeros((2, 3)), random(0, 2, 3)
    agree(getattr(module, f"{name}_gradient")(da, z, **options), autograd(torchs, da, z)[1][0])


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softmax"])
def test_saturated_activations_are_finite(name: str) -> None:
    z = np.array([[-800.0, 0.0, 800.0]])
    assert np.isfinite(getattr(activation, name)(z)).all()
    assert np.isfinite(getattr(activation, f"{name}_gradient")(z, z)).all()


@pytest.mark.parametrize("slopes", [1, 3])
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5), (2, 3, 4, 5)])
def test_prelu_and_its_gradients_are_torchs(slopes: int, shape: tuple[int, ...]) -> None:
    z, da, slope = random(0, *shape), random(1, *shape), random(2, slopes)
    z.flat[0] = 0
    expected, (dz, dslope) = autograd(F.prelu, da, z, slope)
    agree(rectifier.prelu(z, slope), expected)
    agree(rectifier.prelu_gradient(da, z, slope), dz)
    agree(rectifier.prelu_slope_gradient(da, z, slope), dslope)


def test_step_is_heavisides_with_zero_gradient() -> None:
    z = random(0, 3, 4)
    agree(activation.step(z), np.heaviside(z, 0))
    agree(activation.step_gradient(z, z), 0 * z)


@quickly
@given(SIZES, st.sampled_from([(), (3,), (2, 3)]), st.sampled_from([1e-8, 1e-5, 1e-2]))
def test_batch_norm_and_its_gradients_are_torchs(
    sizes: tuple[int, int, int], places: tuple[int, ...], eps: float
) -> None:
    n, c, _ = sizes
    shape = (n + 1, c, *places)  # two values of a channel leave nothing but their sign
    x, scale, shift, dy = random(0, *shape), random(1, c), random(2, c), random(3, *shape)

    def torchs(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return F.batch_norm(x, None, None, scale, shift, training=True, eps=eps)

    expected, (dx, dscale, dshift) = autograd(torchs, dy, x, scale, shift)
    moments = normalization.moments(x)
    agree(normalization.batch_norm(x, scale, shift, *moments, eps=eps), expected)
    agree(normalization.input_gradient(dy, x, scale, eps=eps), dx)
    unit = normalization.normalized(x, *moments, eps=eps)
    agree(normalization.scale_gradient(dy, unit), dscale)
    agree(normalization.shift_gradient(dy), dshift)


def test_running_moments_and_testing_are_torchs() -> None:
    layer = torch.nn.BatchNorm2d(3, momentum=0.3).double()
    running = np.zeros(3), np.ones(3)
    for seed in range(3):
        x = random(seed, 4, 3, 2, 2)
        layer(torch.tensor(x))
        running = normalization.running_moments(running, x, 0.3)
    agree(running[0], layer.running_mean)
    agree(running[1], layer.running_var)
    expected = layer.eval()(torch.tensor(x)).detach().numpy()
    agree(normalization.batch_norm(x, np.ones(3), np.zeros(3), *running, eps=1e-5), expected)


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5])
def test_dropout_and_its_gradient_are_torchs(p: float) -> None:
    x, dy = np.abs(random(0, 50, 40)), random(1, 50, 40)
    torch.manual_seed(0)
    expected, (dx,) = autograd(lambda x: F.dropout(x, p), dy, x)
    kept = (expected != 0).astype(float)
    agree(dropout.dropout(x, kept, p), expected)
    agree(dropout.dropout_gradient(dy, kept, p), dx)


@pytest.mark.parametrize("p", [-0.1, 1.0])
def test_dropout_refuses_p_out_of_range(p: float) -> None:
    with pytest.raises(ValueError, match=r"p must be in \[0, 1\), got"):
        dropout.dropout(np.ones(2), np.ones(2), p)
