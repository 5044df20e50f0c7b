"""Helpers of the tests against torch: random arrays, autograd gradients and comparison."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from hypothesis import settings
from torch import Tensor

quickly = settings(max_examples=12, deadline=None, derandomize=True)


def random(seed: int, *shape: int) -> Any:
    """Return normally distributed values, without ties and zeros."""
    return np.random.default_rng(seed).normal(size=shape)


def autograd(function: Callable[..., Tensor], dy: Any, *arrays: Any) -> tuple[Any, list[Any]]:
    """Return torch's output and its gradients for each array, given the output's gradient."""
    tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]
    y = function(*tensors)
    y.backward(torch.ones_like(y) if dy is None else torch.tensor(dy, dtype=torch.float64))
    return y.detach().numpy(), [None if t.grad is None else t.grad.numpy() for t in tensors]


def agree(ours: Any, theirs: Any) -> None:
    """Assert that all values agree to 1e-10."""
    assert np.shape(ours) == np.shape(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)
