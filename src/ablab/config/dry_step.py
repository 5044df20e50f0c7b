"""The way back of a step, on a network that a batch has passed: cost, gradients, projection."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ablab.config.dry_run import CPU, IMAGES, Passed, blaming, blank
from ablab.data.trial_data import TrialData
from ablab.errors import InputError
from ablab.model.builder import Builder
from ablab.model.frozen_layers import trained_parameters


def step_back(passed: Passed) -> None:
    """Compute a passed batch's cost and its gradients, and the cost in evaluation.

    Raises:
        NotImplementedError: it needs values, which ``meta`` has not.
        InputError: loss, regularizer or augmentation does not work with the network.
    """
    config, device = passed.config, passed.device
    target = dry_targets(config, passed.data)
    with device, torch.random.fork_rng(devices=[]):
        loss = Builder("loss", config["loss"])()
        weights = trained_parameters(passed.network)
        regularizer = Builder("regularizer", config["regularizer"])(named_params=weights)
        with blaming("loss must work with logits and targets, got {error}", device):
            costs = [loss(logits, target.to(device)) for logits in passed.output]
            hard = torch.zeros(IMAGES, dtype=torch.long)
            costs.append(loss(passed.output[0].detach(), hard))
        for cost in costs:
            _check_cost(cost)
        with blaming("regularizer must work with these weights, got {error}", device):
            penalty = regularizer.penalty()
        total = sum(costs[:-1], penalty if penalty is not None else torch.zeros(()))
        if not total.requires_grad:
            raise InputError("loss must depend on the weights, got one without a gradient")
        with blaming("architecture must be differentiable, got {error}", device):
            torch.autograd.backward(total)
        with blaming("regularizer must work with these weights, got {error}", device):
            regularizer.project()


def dry_targets(config: Mapping[str, Any], data: TrialData) -> Tensor:
    """Return what the augmentation makes of two images' targets, (2,) or (2, K).

    Raises:
        InputError: it changes the shape of images, or makes no targets.
    """
    images, target = blank(data), torch.zeros(IMAGES, dtype=torch.long)
    shape = images.shape
    if data.augmentation is not None:
        rule = "augmentation must map (x, y, generator) to (x, y), got {error}"
        with blaming(rule, CPU), torch.random.fork_rng(devices=[]):
            images, target = data.augmentation(images, target, torch.Generator())
        if images.shape != shape:
            found, kept = tuple(images.shape), tuple(shape)
            raise InputError(f"augmentation must keep the images' shape {kept}, got {found}")
        if target.shape not in ((IMAGES,), (IMAGES, data.num_classes)):
            raise InputError(
                f"augmentation must return targets (N,) or (N, {data.num_classes}), got "
                f"{tuple(target.shape)} for N={IMAGES}"
            )
    return target


def _check_cost(cost: Any) -> None:
    if not isinstance(cost, Tensor) or cost.shape != ():
        found = tuple(cost.shape) if isinstance(cost, Tensor) else type(cost).__name__
        raise InputError(f"loss must return a scalar tensor, got {found}")
