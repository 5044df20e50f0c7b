"""Tests of the multilayer perceptron."""

import pytest
import torch
from networks import Parts, axes_used, network, num_parameters


def test_it_uses_these_axes() -> None:
    assert axes_used("mlp") == {"activation", "normalization", "dropout"}


@pytest.mark.parametrize(
    ("widths", "expected"),
    [([], 7850), ([300], 784 * 300 + 300 + 3010), ([20, 30], 15_700 + 630 + 310)],
)
def test_depth_and_width_follow_the_options(widths: list[int], expected: int) -> None:
    assert num_parameters(network("mlp", image_size=28, widths=widths)) == expected


def test_no_width_is_logistic_regression() -> None:
    parts = Parts()
    module = network("mlp", parts, widths=[])
    x = torch.randn(4, 1, 16, 16)
    weight, bias = module.parameters()
    assert torch.allclose(module(x), x.flatten(1) @ weight.T + bias, atol=1e-6)
    assert not parts.used


def test_a_normalization_may_follow_its_activation() -> None:
    after = {"name": "batch", "placement": "after"}
    module = network("mlp", Parts(normalization=after))
    kinds = [type(m).__name__ for m in module.layers]
    assert kinds[1:4] == ["Linear", "ReLU", "BatchNorm1d"]


@pytest.mark.parametrize("widths", [[0], [10, -1], [1.5]])
def test_a_width_that_is_not_a_positive_integer_is_refused(widths: list[float]) -> None:
    with pytest.raises(ValueError, match=r"widths must be positive integers, got \["):
        network("mlp", widths=widths)
