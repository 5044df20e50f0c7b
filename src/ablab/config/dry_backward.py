"""The backward half of a dry build: loss, gradients, projection, and the trial's precision."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from ablab.config.dry_forward import CPU, IMAGES, DryNetwork, blank_images, fault_on_error
from ablab.config.preflight import device_type
from ablab.data.trial_data import TrialData
from ablab.errors import InputError
from ablab.lightning import pl
from ablab.model import build
from ablab.model.builder import Builder
from ablab.model.frozen_layers import trained_parameters

_MAX_WEIGHTS = 12_000_000  # a larger network takes too long for a check


def backward(dry: DryNetwork) -> None:
    """Compute loss and gradients of a batch, and the loss in evaluation.

    Args:
        dry: after `forward_in_training`.

    Raises:
        NotImplementedError: an operation needs values, which ``meta`` tensors do not have.
        InputError: loss, regularizer or augmentation does not work with the network.
    """
    config, device = dry.config, dry.device
    target = augmented_targets(config, dry.data)
    with device, torch.random.fork_rng(devices=[]):
        loss = Builder("loss", config["loss"])()
        weights = trained_parameters(dry.network)
        regularizer = Builder("regularizer", config["regularizer"])(named_params=weights)
        with fault_on_error("loss must work with logits and targets, got {error}", device):
            losses = [loss(logits, target.to(device)) for logits in dry.output]
            labels = torch.zeros(IMAGES, dtype=torch.long)
            losses.append(loss(dry.output[0].detach(), labels))  # as in evaluation
        for value in losses:
            _check_loss(value)
        regularizer_rule = "regularizer must work with these weights, got {error}"
        with fault_on_error(regularizer_rule, device):
            penalty = regularizer.penalty()
        total = sum(losses[:-1], penalty if penalty is not None else torch.zeros(()))
        if not total.requires_grad:
            raise InputError("loss must depend on the weights, got one without a gradient")
        with fault_on_error("architecture must be differentiable, got {error}", device):
            torch.autograd.backward(total)
        with fault_on_error(regularizer_rule, device):
            regularizer.project()


def augmented_targets(config: Mapping[str, Any], data: TrialData) -> Tensor:
    """Return the targets of two blank images after the augmentation, (2,) or (2, K).

    Raises:
        InputError: the augmentation changes the shape of images, or returns no targets.
    """
    images, target = blank_images(data), torch.zeros(IMAGES, dtype=torch.long)
    before = tuple(images.shape)
    if data.augmentation is not None:
        rule = "augmentation must map (x, y, generator) to (x, y), got {error}"
        with fault_on_error(rule, CPU), torch.random.fork_rng(devices=[]):
            images, target = data.augmentation(images, target, torch.Generator())
        if (after := tuple(images.shape)) != before:
            raise InputError(f"augmentation must keep the images' shape {before}, got {after}")
        if target.shape not in ((IMAGES,), (IMAGES, data.num_classes)):
            raise InputError(
                f"augmentation must return targets (N,) or (N, {data.num_classes}), got "
                f"{tuple(target.shape)} for N={IMAGES}"
            )
    return target


def check_precision(config: Mapping[str, Any], data: TrialData, num_weights: int) -> None:
    """Take two blank images through a training step and an evaluation in the trial's precision.

    On the CPU some operations exist in float32 alone. Does nothing for ``32-true``, on a GPU, or
    for a network of more than twelve million weights.

    Raises:
        InputError: an operation does not support this precision.
    """
    precision = config["trainer"]["precision"]
    on_cpu = device_type(config) == "cpu"
    if not on_cpu or precision == "32-true" or num_weights > _MAX_WEIGHTS:
        return
    plugin, target = _plugin(precision), augmented_targets(config, data)
    with torch.random.fork_rng(devices=[]):
        module = build.classifier(config, data)
        plugin.convert_module(module)
        images = plugin.convert_input(blank_images(data))
        target = plugin.convert_input(target)
        rule = "trainer.precision must be one that all components support, got {precision}: {error}"
        with fault_on_error(rule, CPU, precision=precision):
            with plugin.forward_context():
                cost = module.objective(module.network.train(), images, target).cost
            torch.autograd.backward(cost)
            with plugin.forward_context(), torch.no_grad():
                module.network.eval()(images)


def _plugin(precision: Literal["64-true", "bf16-true", "bf16-mixed"]) -> pl.plugins.Precision:
    if precision == "64-true":
        return pl.plugins.DoublePrecision()
    if precision == "bf16-mixed":
        return pl.plugins.MixedPrecision(precision, "cpu")
    return pl.plugins.HalfPrecision(precision)


def _check_loss(value: Any) -> None:
    if not isinstance(value, Tensor) or value.shape != ():
        got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"loss must return a scalar tensor, got {got}")
