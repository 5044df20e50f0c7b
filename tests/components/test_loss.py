"""The contract of every loss, and the definitions that the YAMLs stand for."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from contract import build
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_softmax, rel_entr, softmax
from sklearn import metrics

SQUASH = {"sigmoid": expit, "softmax": lambda z: softmax(z, axis=1)}
# Losses on outputs a against targets y, both (N, K).
ON_OUTPUTS = {
    "half_squared_error": lambda y, a: np.sum((y - a) ** 2) / 2 / len(y),
    "mse": metrics.mean_squared_error,
    "rmse": lambda y, a: metrics.root_mean_squared_error(y.ravel(), a.ravel()),
    "mae": metrics.mean_absolute_error,
    "l1": lambda y, a: np.abs(y - a).sum() / len(y),
    "l2": lambda y, a: np.sum((y - a) ** 2) / len(y),
    "msle": metrics.mean_squared_log_error,
    "mape": lambda y, a: np.mean(np.abs(y - a) / np.maximum(y, 0.1)),
}


def crammer_singer(y, z):
    """Return the hinge by its definition, image by image and class by class."""
    hinges = [[max(0.0, 1 + max(np.delete(row, k)) - row[k]) for k in range(len(row))] for row in z]
    return np.sum(y * np.array(hinges)) / len(y)


# Losses on logits z against targets y, both (N, K).
ON_LOGITS = {
    "cross_entropy": lambda y, z: -np.sum(y * log_softmax(z, axis=1)) / len(y),
    "label_smoothing": lambda y, z: (
        -np.sum((0.9 * y + 0.1 / y.shape[1]) * log_softmax(z, axis=1)) / len(y)
    ),
    "binary_cross_entropy": lambda y, z: (
        -np.sum(y * np.log(expit(z)) + (1 - y) * np.log(expit(-z))) / len(y)
    ),
    "hinge": crammer_singer,
    "kl": lambda y, z: np.sum(rel_entr(y, softmax(z, axis=1))) / len(y),
    "focal": lambda y, z: (
        -np.sum(y * (1 - softmax(z, axis=1)) ** 2 * log_softmax(z, axis=1)) / len(y)
    ),
}


@st.composite
def batches(draw):
    """Draw logits (N, K) and targets, class indices and soft ones of the same shape."""
    n, k, seed = draw(st.integers(1, 6)), draw(st.integers(2, 7)), draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    return 3 * rng.normal(size=(n, k)), rng.integers(k, size=n), rng.dirichlet(np.ones(k), size=n)


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


def test_a_gradient_step_favors_the_class(loss: str) -> None:
    logits = torch.zeros(1, 4, requires_grad=True)
    build("loss", loss)(logits, torch.tensor([2])).backward()
    assert logits.grad is not None
    assert logits.grad.argmin() == 2


def test_bfloat16_logits_work(loss: str) -> None:
    logits = torch.randn(8, 10, dtype=torch.bfloat16)
    assert build("loss", loss)(logits, torch.arange(8)).isfinite()


@pytest.mark.parametrize("output", SQUASH)
@pytest.mark.parametrize("name", ON_OUTPUTS)
@settings(deadline=None, max_examples=15, derandomize=True)
@given(batch=batches())
def test_losses_on_outputs_are_their_definitions(name: str, output: str, batch) -> None:
    logits, target, soft = batch
    criterion, a = build("loss", name, output=output), SQUASH[output](logits)
    one_hot = np.eye(logits.shape[1])[target]
    for y, given_target in ((one_hot, target), (soft, soft)):
        found = criterion(torch.tensor(logits), torch.tensor(given_target))
        assert found.item() == pytest.approx(ON_OUTPUTS[name](y, a), rel=1e-10)


@pytest.mark.parametrize("name", ON_LOGITS)
@settings(deadline=None, max_examples=15, derandomize=True)
@given(batch=batches())
def test_losses_on_logits_are_their_definitions(name: str, batch) -> None:
    logits, target, soft = batch
    criterion, one_hot = build("loss", name), np.eye(logits.shape[1])[target]
    for y, given_target in ((one_hot, target), (soft, soft)):
        found = criterion(torch.tensor(logits), torch.tensor(given_target))
        assert found.item() == pytest.approx(ON_LOGITS[name](y, logits), rel=1e-10)


def test_every_loss_is_compared_with_its_definition(loss: str) -> None:
    assert loss in ON_OUTPUTS.keys() | ON_LOGITS.keys()


def test_gradient_for_soft_targets_is_the_derivative(loss: str) -> None:
    criterion, soft = build("loss", loss), torch.rand(4, 5, dtype=torch.float64).softmax(1)
    logits = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: criterion(z, soft), logits)


@pytest.mark.parametrize("name", ON_OUTPUTS)
def test_zero_error_has_a_loss_and_a_gradient_of_zero(name: str) -> None:
    target = torch.arange(4)
    logits = (1e4 * F.one_hot(target, 5).float()).requires_grad_()
    found = build("loss", name, output="softmax")(logits, target)
    found.backward()
    assert found.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_bfloat16_logits_are_computed_in_float32(loss: str) -> None:
    logits = torch.randn(8, 10).bfloat16()
    criterion = build("loss", loss)
    expected = criterion(logits.float(), torch.arange(8))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = criterion(logits, torch.arange(8))
    assert found.item() == pytest.approx(expected.item(), rel=1e-2)


def test_binary_cross_entropy_is_torchs_times_the_classes() -> None:
    logits, target = torch.randn(8, 10), torch.arange(8)
    theirs = F.binary_cross_entropy_with_logits(logits, F.one_hot(target, 10).float())
    found = build("loss", "binary_cross_entropy")(logits, target)
    assert found.item() == pytest.approx(10 * theirs.item(), rel=1e-6)


def test_focal_without_focus_is_cross_entropy_and_kl_has_its_gradient() -> None:
    soft = torch.rand(8, 10, dtype=torch.float64).softmax(1)
    gradients = []
    logits = torch.randn(8, 10, dtype=torch.float64, requires_grad=True)
    for criterion in (build("loss", "focal", gamma=0.0), build("loss", "kl"), F.cross_entropy):
        gradients += torch.autograd.grad(criterion(logits, soft), logits)
    assert torch.allclose(gradients[0], gradients[2], rtol=1e-12)
    assert torch.allclose(gradients[1], gradients[2], rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_is_finite_where_the_class_is_certain(gamma: float) -> None:
    logits = torch.tensor([[1e4, 0.0]], requires_grad=True)
    build("loss", "focal", gamma=gamma)(logits, torch.tensor([0])).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(
    ("name", "option", "value", "rule"),
    [
        ("mape", "floor", 0.0, r"in \(0, 1\]"),
        ("hinge", "margin", 0.0, "> 0"),
        ("focal", "gamma", -1.0, ">= 0"),
    ],
)
def test_values_out_of_range_are_refused(name: str, option: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be {rule}, got {value}"):
        build("loss", name, **{option: value})


@pytest.mark.parametrize("name", ON_OUTPUTS)
def test_an_unknown_output_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="output must be one of softmax, sigmoid, got tanh"):
        build("loss", name, output="tanh")
