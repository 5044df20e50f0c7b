"""The contract of every loss, and the closed forms of squared error."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from contract import build
from scipy.special import expit, softmax


def test_loss_is_a_finite_scalar(loss: str) -> None:
    out = build("loss", loss)(torch.randn(8, 10), torch.arange(8))
    assert out.shape == ()
    assert out.isfinite()


def test_one_hot_targets_equal_indices(loss: str) -> None:
    criterion = build("loss", loss)
    logits, target = torch.randn(8, 10), torch.arange(8)
    assert torch.allclose(
        criterion(logits, target), criterion(logits, F.one_hot(target, 10).float())
    )


def test_soft_targets_lie_between_their_parts(loss: str) -> None:
    criterion = build("loss", loss)
    logits = torch.randn(8, 10)
    one, other = F.one_hot(torch.arange(8), 10).float(), F.one_hot(torch.arange(8) + 2, 10).float()
    ends = sorted(criterion(logits, target).item() for target in (one, other))
    assert criterion(logits, (one + other) / 2).item() <= ends[1]


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_gradient_is_finite(loss: str, scale: float) -> None:
    logits = (torch.randn(8, 10) * scale).requires_grad_()
    build("loss", loss)(logits, torch.arange(8)).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_gradient_is_the_derivative(loss: str) -> None:
    criterion = build("loss", loss)
    logits = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: criterion(z, torch.arange(4)), logits)


def test_a_step_downhill_favours_the_class(loss: str) -> None:
    logits = torch.zeros(1, 4, requires_grad=True)
    build("loss", loss)(logits, torch.tensor([2])).backward()
    assert logits.grad is not None
    assert logits.grad.argmin() == 2


def test_bfloat16_logits_are_served(loss: str) -> None:
    logits = torch.randn(8, 10, dtype=torch.bfloat16)
    assert build("loss", loss)(logits, torch.arange(8)).isfinite()


@pytest.mark.parametrize(
    ("output", "squash"), [("sigmoid", expit), ("softmax", lambda z: softmax(z, axis=1))]
)
def test_mse_is_the_mean_over_images_and_classes(output: str, squash) -> None:
    logits = np.random.default_rng(0).normal(size=(8, 10))
    target = np.arange(8)
    expected = np.mean((squash(logits) - np.eye(10)[target]) ** 2)
    found = build("loss", "mse", output=output)(torch.tensor(logits), torch.tensor(target))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_mse_refuses_an_unknown_output() -> None:
    with pytest.raises(ValueError, match="output must be one of softmax, sigmoid, got tanh"):
        build("loss", "mse", output="tanh")
