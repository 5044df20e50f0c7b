"""Losses by hand against torch's and scikit-learn's; information against scipy's."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from against import agree, autograd, quickly, random
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipys_entropy
from sklearn.metrics import mean_absolute_percentage_error, mean_squared_log_error
from torch import Tensor

from ablab.reference import absolute_error, decay, entropy, information, squared_error

EPS = 0.01
SIZES = st.tuples(st.integers(1, 6), st.integers(2, 6))


def _mape(y: Tensor, t: Tensor) -> Tensor:
    return ((y - t).abs() / t.abs().clamp_min(EPS)).mean()


Case = tuple[ModuleType, str, Any, dict[str, float]]
LOSSES: list[Case] = [
    (squared_error, "half_squared_error", lambda y, t: F.mse_loss(y, t) * y.shape[1] / 2, {}),
    (squared_error, "mean_squared_error", F.mse_loss, {}),
    (squared_error, "root_mean_squared_error", lambda y, t: F.mse_loss(y, t).sqrt(), {}),
    (squared_error, "l2", lambda y, t: F.mse_loss(y, t, reduction="sum") / len(y), {}),
    (squared_error, "mean_squared_log_error", lambda y, t: F.mse_loss(y.log1p(), t.log1p()), {}),
    (absolute_error, "mean_absolute_error", F.l1_loss, {}),
    (absolute_error, "l1", lambda y, t: F.l1_loss(y, t, reduction="sum") / len(y), {}),
    (absolute_error, "mean_absolute_percentage_error", _mape, {"eps": EPS}),
    (entropy, "softmax_cross_entropy", F.cross_entropy, {}),
    (
        entropy,
        "binary_cross_entropy",
        lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction="sum") / len(z),
        {},
    ),
]


@pytest.mark.parametrize("case", LOSSES)
@pytest.mark.parametrize("soft", [False, True])
@quickly
@given(sizes=SIZES, seed=st.integers(0, 99))
def test_losses_and_their_gradients_are_torchs(
    case: Case, soft: bool, sizes: tuple[int, int], seed: int
) -> None:
    module, name, torchs, options = case
    n, k = sizes
    t = entropy.one_hot(np.arange(n) % k, k)
    if soft:
        t = np.random.default_rng(seed).dirichlet(np.ones(k), n)
    y = random(seed, n, k)
    if name == "mean_squared_log_error":
        y = np.abs(y)
    expected, (dy, _) = autograd(torchs, None, y, t)
    agree(getattr(module, name)(y, t, **options), expected)
    agree(getattr(module, f"{name}_gradient")(y, t, **options), dy)


@pytest.mark.parametrize("case", LOSSES)
def test_gradients_at_zero_error_are_finite(case: Case) -> None:
    module, name, _, options = case
    t = np.eye(3)
    assert np.isfinite(getattr(module, f"{name}_gradient")(t, t, **options)).all()


def test_sparse_and_one_hot_cross_entropy_are_equal() -> None:
    z, target = random(0, 5, 4), np.array([0, 3, 1, 1, 2])
    sparse = F.cross_entropy(torch.tensor(z), torch.tensor(target)).item()
    agree(entropy.softmax_cross_entropy(z, entropy.one_hot(target, 4)), sparse)


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "binary_cross_entropy"])
def test_entropies_of_large_logits_are_finite(name: str) -> None:
    z = np.array([[800.0, -800.0]])
    agree(getattr(entropy, name)(z, np.eye(2)[:1]), 0.0)
    assert np.isfinite(getattr(entropy, name)(z, np.eye(2)[1:]))


def test_log_and_percentage_errors_are_scikit_learns() -> None:
    y, t = np.abs(random(0, 6, 3)), np.abs(random(1, 6, 3)) + EPS
    ours = squared_error.mean_squared_log_error(y, t)
    agree(ours, mean_squared_log_error(t, y))
    ours = absolute_error.mean_absolute_percentage_error(y, t, EPS)
    agree(ours, mean_absolute_percentage_error(t, y))


def test_weight_decay_and_its_gradient_are_torchs() -> None:
    v, w = random(0, 3, 4), random(1, 2, 3, 2, 2)

    def torchs(v: Tensor, w: Tensor) -> Tensor:
        return 0.3 / 2 * (v.square().sum() + w.square().sum())

    expected, (dv, dw) = autograd(torchs, None, v, w)
    agree(decay.weight_decay([v, w], 0.3), expected)
    agree(decay.weight_decay_gradient(v, 0.3), dv)
    agree(decay.weight_decay_gradient(w, 0.3), dw)


def test_cross_entropy_is_entropy_and_divergence() -> None:
    p, q = np.random.default_rng(0).dirichlet(np.ones(5), (2, 3))
    p[0, 0], p[0] = 0, p[0] / (1 - p[0, 0])
    p[0] /= p[0].sum()
    agree(information.cross_entropy(p, q), scipys_entropy(p, axis=1) + scipys_entropy(p, q, axis=1))


def test_information_is_minus_the_logarithm() -> None:
    p = np.array([1.0, 0.5, 0.25, 0.0])
    assert information.information(p).tolist() == [0.0, np.log(2), 2 * np.log(2), np.inf]
