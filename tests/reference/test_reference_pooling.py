"""Poolings by hand against torch's."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from against import agree, autograd, quickly, random
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ablab.reference import lp_pooling, pooling

SIDES = st.tuples(*[st.integers(1, 3)] * 2, *[st.integers(6, 9)] * 2)
SMALL = st.integers(1, 3)


@quickly
@given(SIDES, SMALL, SMALL, SMALL, st.data())
def test_max_pool_and_its_gradient_are_torchs(
    shape: tuple[int, ...], kernel: int, stride: int, dilation: int, data: st.DataObject
) -> None:
    padding = data.draw(st.integers(0, kernel // 2))
    x = random(0, *shape)
    if dilation * (kernel - 1) >= min(shape[2:]):
        dilation = 1
    options = {"padding": padding, "dilation": dilation}
    y = pooling.max_pool(x, kernel, stride, **options)
    dy = random(1, *y.shape)
    expected, (dx,) = autograd(lambda x: F.max_pool2d(x, kernel, stride, **options), dy, x)
    agree(y, expected)
    agree(pooling.max_pool_gradient(dy, x, kernel, stride, **options), dx)


def test_the_first_of_equal_values_gets_the_gradient_as_in_torch() -> None:
    x = np.zeros((1, 2, 5, 5))
    dy = random(0, 1, 2, 2, 2)
    _, (dx,) = autograd(lambda x: F.max_pool2d(x, 3, 2), dy, x)
    agree(pooling.max_pool_gradient(dy, x, 3, 2), dx)


@quickly
@given(SIDES, SMALL, SMALL, st.booleans(), st.data())
def test_mean_pool_and_its_gradient_are_torchs(
    shape: tuple[int, ...], kernel: int, stride: int, count_border: bool, data: st.DataObject
) -> None:
    padding = data.draw(st.integers(0, kernel // 2))
    x = random(0, *shape)

    def torchs(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, kernel, stride, padding, count_include_pad=count_border)

    options: dict[str, Any] = {"padding": padding, "count_border": count_border}
    y = pooling.mean_pool(x, kernel, stride, **options)
    dy = random(1, *y.shape)
    expected, (dx,) = autograd(torchs, dy, x)
    agree(y, expected)
    agree(pooling.mean_pool_gradient(dy, x, kernel, stride, **options), dx)


@quickly
@given(SIDES, SMALL, SMALL, st.sampled_from([1.0, 1.5, 2.0, 3.0, 8.0]))
def test_lp_pool_and_its_gradient_are_torchs(
    shape: tuple[int, ...], kernel: int, stride: int, p: float
) -> None:
    x = random(0, *shape)
    y = lp_pooling.lp_pool(x, kernel, stride, p=p)
    dy = random(1, *y.shape)
    expected, (dx,) = autograd(lambda x: F.lp_pool2d(x.abs(), p, kernel, stride), dy, x)
    agree(y, expected)
    agree(lp_pooling.lp_pool_gradient(dy, x, kernel, stride, p=p), dx)


@pytest.mark.parametrize("p", [1.0, 2.5, 4.0])
def test_power_mean_excludes_the_border(p: float) -> None:
    x = random(0, 2, 3, 7, 7)

    def torchs(x: Tensor) -> Tensor:
        means = F.avg_pool2d(x.abs() ** p, 3, 2, 1, count_include_pad=False)
        return means ** (1 / p)

    y = lp_pooling.lp_pool(x, 3, 2, padding=1, p=p, form="mean")
    dy = random(1, *y.shape)
    expected, (dx,) = autograd(torchs, dy, x)
    agree(y, expected)
    agree(lp_pooling.lp_pool_gradient(dy, x, 3, 2, padding=1, p=p, form="mean"), dx)


def test_a_window_of_zeros_has_gradient_zero() -> None:
    x = np.zeros((1, 1, 2, 2))
    agree(lp_pooling.lp_pool_gradient(np.ones((1, 1, 1, 1)), x, 2, 2), x)


def test_no_power_overflows() -> None:
    x = random(0, 1, 1, 4, 4) * 1e200
    y = lp_pooling.lp_pool(x, 2, 2, p=64.0)
    maximum = torch.tensor(np.abs(x)).unfold(2, 2, 2).unfold(3, 2, 2).amax((-2, -1)).numpy()
    np.testing.assert_allclose(y, maximum, rtol=4 ** (1 / 64) - 1)


@pytest.mark.parametrize(
    ("options", "rule"),
    [({"p": 0.5}, "p must be finite and >= 1, got 0.5"), ({"form": "max"}, "form must be one of")],
)
def test_unknown_norms_are_refused(options: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        lp_pooling.lp_pool(np.ones((1, 1, 2, 2)), 2, 2, **options)
