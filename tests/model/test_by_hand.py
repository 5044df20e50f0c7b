"""``backend=by_hand``: training with hand-written gradients equals autograd."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor
from train_process import killed_during_an_epoch, results, train_in_subprocess

from ablab.config.compose import components, compose
from ablab.config.trial import resolve
from ablab.faults import ComponentError, ConfigError
from ablab.model import build
from ablab.model.builder import Builder
from ablab.model.by_hand.convert import check
from ablab.model.classifier import Classifier
from ablab.tracking.run import Run
from ablab.training import cost

AXES = ("activation", "pooling", "normalization", "dropout", "loss", "regularizer")
# Components that must have a version by hand.
REQUIRED = {
    "activation": "sigmoid tanh relu leaky_relu prelu elu softmax identity",
    "pooling": "max mean l2 lp none",
    "normalization": "batch none",
    "dropout": "dropout none",
    "loss": "half_squared_error mse rmse mae l1 l2 msle mape cross_entropy binary_cross_entropy",
    "regularizer": "l2 none",
}
NETWORKS = ("lenet5", "one_conv", "mlp")
MNIST = os.environ.get("ABLAB_DATA", "")  # before the fixtures delete it


def pair(*overrides: str) -> tuple[Classifier, Classifier, Any]:
    """Return a classifier with autograd, the same by hand, both in float64, and their data."""
    config = compose(["devices=cpu", *overrides]).resolved()
    autograd, by_hand = build_both(config)
    return autograd, by_hand, build.datamodule(config)


def batches(data: Any) -> Iterator[tuple[Tensor, Tensor]]:
    loader = data.train_dataloader()
    for _ in itertools.count():
        for x, target in loader:
            yield x.double(), target


def losses(module: Classifier, config: Any, steps: Iterator[Any]) -> Iterator[float]:
    """Train, and yield the loss before each step."""
    named_params = module.network.named_parameters()
    optimizer = Builder("optimizer", config["optimizer"])(named_params=named_params)
    if module.dropout_generator is not None:
        module.dropout_generator.manual_seed(0)
    for x, target in steps:
        optimizer.zero_grad()
        evaluation = module.objective(module.network, x, target)
        torch.autograd.backward(evaluation.cost)
        optimizer.step()
        yield evaluation.cost.item()


def check_losses(num_steps: int, *overrides: str) -> None:
    config = compose(overrides).resolved()
    autograd, by_hand, data = pair(*overrides)
    steps = list(itertools.islice(batches(data), num_steps))
    expected = list(losses(autograd, config, iter(steps)))
    assert list(losses(by_hand, config, iter(steps))) == pytest.approx(expected, abs=1e-6, rel=0)
    assert expected[-1] != expected[0]


@pytest.mark.parametrize("network", NETWORKS)
def test_loss_equals_autograds(network: str) -> None:
    check_losses(
        4, f"architecture={network}", "batch_size=16", "normalization=batch", "dropout=dropout"
    )


@pytest.mark.slow
@pytest.mark.skipif(not MNIST, reason="needs real MNIST (ABLAB_DATA)")
@pytest.mark.parametrize("network", NETWORKS)
def test_loss_equals_autograds_for_200_steps_on_mnist(
    network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLAB_DATA", MNIST)
    loss = "binary_cross_entropy" if network == "one_conv" else "cross_entropy"
    check_losses(200, f"architecture={network}", "dataset=mnist", "batch_size=8", f"loss={loss}")


def build_both(config: Mapping[str, Any]) -> list[Classifier]:
    data = build.datamodule(config)
    modules = [build.classifier({**config, "backend": b}, data) for b in ("torch", "by_hand")]
    return [module.double() for module in modules]


def step(module: Classifier, x: Tensor, target: Tensor) -> tuple[float, float]:
    """Return the training cost and then the evaluation loss; keep the gradients."""
    assert module.dropout_generator is not None
    module.dropout_generator.manual_seed(0)
    evaluation = module.objective(module.network, x, target)
    torch.autograd.backward(evaluation.cost)
    module.eval()
    return evaluation.cost.item(), module.loss(module(x), target).item()


@pytest.fixture(scope="module")
def plain() -> Mapping[str, Any]:
    return compose(["devices=cpu"]).resolved()


@pytest.mark.parametrize(
    ("axis", "name"), [(axis, name) for axis in AXES for name in components(axis)]
)
def test_a_component_equals_autograd_or_is_refused(
    axis: str, name: str, plain: Mapping[str, Any]
) -> None:
    config = {**plain, axis: yaml.safe_load(components(axis)[name].read_text())}
    try:
        autograd, by_hand = build_both(config)
    except ComponentError as error:
        pytest.skip(f"not in this network: {error}")
    except ConfigError as error:
        message, autograd = str(error), None
    if autograd is None:
        assert name not in REQUIRED[axis].split()
        assert (
            f"backend must be torch for {axis} {config[axis]['_target_']}, got by_hand" in message
        )
        return
    x, target = torch.randn(4, 1, 32, 32, dtype=torch.float64), torch.tensor([0, 3, 9, 3])
    assert step(by_hand, x, target) == pytest.approx(step(autograd, x, target), abs=1e-10)
    state = autograd.state_dict()
    assert by_hand.state_dict().keys() == state.keys()
    for key, value in by_hand.state_dict().items():
        assert torch.allclose(value, state[key], rtol=0, atol=1e-10)
    for ours, theirs in zip(by_hand.parameters(), autograd.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, rtol=1e-10, atol=1e-10)


def test_soft_targets_are_supported() -> None:
    autograd, by_hand, _ = pair("loss.label_smoothing=0.1")
    logits = torch.randn(6, 10, dtype=torch.float64)
    for target in (torch.arange(6), torch.rand(6, 10, dtype=torch.float64)):
        expected = autograd.loss(logits, target).item()
        assert by_hand.loss(logits, target).item() == pytest.approx(expected, abs=1e-12)


def faults(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(compose(["devices=cpu", "backend=by_hand", *overrides]))
    return str(caught.value)


def test_a_component_without_a_version_by_hand_is_refused_by_name() -> None:
    message = faults("activation=gelu")
    assert "backend must be torch for activation torch.nn.GELU, got by_hand" in message
    assert "a GELU, is not written by hand" in message


def test_a_shortcut_is_refused_by_name() -> None:
    assert "backend must be torch for architecture ablab" in faults("architecture=resnet20")


def test_an_unsupported_option_is_refused() -> None:
    message = faults("architecture=cnn", "architecture.conv=separable")
    assert "is written by hand only for groups=1" in message


def test_an_operation_between_layers_is_refused() -> None:
    _, by_hand, data = pair()
    images = next(batches(data))[0]
    check(by_hand, images)
    inner = by_hand.network.forward
    by_hand.network.forward = lambda x: 2 * inner(x)  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="computes between its layers, got by_hand for LeNet5"):
        check(by_hand, images)


@pytest.mark.parametrize(
    ("override", "rule"),
    [
        ("trainer.precision=bf16-mixed", "trainer.precision must be 32-true or 64-true"),
        ("devices=ddp_cpu", "devices.strategy must be auto for backend=by_hand, got ddp"),
        ("backend=numpy", "backend must be one of torch, by_hand, fused, got 'numpy'"),
    ],
)
def test_impossible_settings_are_refused(override: str, rule: str) -> None:
    assert rule in faults(override)


def test_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from ablab.config.preflight import device_faults

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    config = compose(["backend=by_hand", "devices=auto"]).resolved()
    (fault,) = device_faults(config)
    assert fault == "devices.accelerator must be cpu for backend=by_hand, got auto"


def test_the_backend_is_in_the_key() -> None:
    keys = {resolve(compose(["devices=cpu", f"backend={b}"])).key for b in ("torch", "by_hand")}
    assert len(keys) == 2


def test_flops_are_counted_as_torchs() -> None:
    autograd, by_hand, data = pair()
    sizes = [cost.size(module.float().network, data) for module in (autograd, by_hand)]
    assert sizes[0] == sizes[1]
    assert type(by_hand.network.features[0]).__name__ == "Conv2dByHand"


def test_a_trial_by_hand_resumes_bit_equal_and_equals_autograd_up_to_rounding(
    begin: Callable[..., Run], tmp_path: Path
) -> None:
    runs = [begin("backend=by_hand"), begin("backend=by_hand"), begin()]
    assert train_in_subprocess(runs[0], killed_during_an_epoch) != 0
    assert [train_in_subprocess(run) for run in runs] == [0, 0, 0]
    by_hand, again, autograd = (results(run) for run in runs)
    assert by_hand == again
    for ours, theirs in zip(by_hand["epochs"], autograd["epochs"], strict=True):
        accuracies = [name for name in theirs[1] if "accuracy" in name]
        for name in accuracies:  # rounding may flip the class of an image
            assert ours[1].pop(name) == pytest.approx(theirs[1].pop(name), abs=1.01 / 287)
        assert ours[1] == pytest.approx(theirs[1], rel=1e-3)
