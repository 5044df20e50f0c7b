"""Measurements of a network's layers on the probe batch, without side effects."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn

from ablab.data.trial_data import TrialData
from ablab.lightning import pl
from ablab.model.classifier import Classifier
from ablab.training.probes.activations import activation_statistics, drift, moments
from ablab.training.probes.gradients import Loss, gradient_changes, gradients
from ablab.training.probes.layers import (
    LayerValues,
    Values,
    activations,
    hooked,
    layers,
    norm,
    state_restored,
    trainable_layers,
)
from ablab.training.probes.receptive_field import receptive_fields

_BEFORE_TRAINING = -1
_OF_INITIAL_NETWORK = frozenset({"input_drift", "gradient_norm"})


class LayerProbes:
    """Measures a network's layers on the probe batch.

    Args:
        on: names of the requested probes.
        num_images: maximum size of the batch.

    Attributes:
        inputs: mean and variance of the input channels of each layer, at the last measurement.
        initial: values of the network before training: ``gradient_norm_initial``, the mean over
            the layers.
    """

    def __init__(self, on: frozenset[str], num_images: int) -> None:
        self.inputs: dict[str, tuple[Tensor, Tensor]] = {}
        self.initial: Values = {}
        self._on, self._num_images = on, num_images
        self._batch: tuple[Tensor, Tensor] | None = None

    def start(self, trainer: pl.Trainer, module: Classifier) -> None:
        """Measure the initial network, unless a checkpoint has restored its values."""
        if not self._on & _OF_INITIAL_NETWORK or self.inputs or self.initial:
            return
        values: LayerValues = {}
        with self._batch_and_loss(trainer, module, _BEFORE_TRAINING) as (x, loss):
            self._pass(module.network, x, loss, values)
        norms = [own["gradient_norm"] for own in values.values() if "gradient_norm" in own]
        self.initial = {"gradient_norm_initial": fmean(norms)} if norms else {}

    def measure(self, trainer: pl.Trainer, module: Classifier) -> LayerValues:
        """Return the current values, by layer and probe."""
        values: LayerValues = {}
        network, parts = module.network, layers(module.network)
        with self._batch_and_loss(trainer, module, trainer.current_epoch) as (x, loss):
            self._pass(network, x, loss, values)
            if "gradient_change" in self._on:
                lr = trainer.optimizers[0].param_groups[0]["lr"]
                merge(values, gradient_changes(network, trainable_layers(network), x, loss, lr))
            if "receptive_field" in self._on:
                network.eval()  # in training mode a batch norm would mix the images
                sides = receptive_fields(network, parts, x)
                merge(values, {name: {"receptive_field": side} for name, side in sides.items()})
        return values

    def _pass(self, network: nn.Module, x: Tensor, loss: Loss, values: LayerValues) -> None:
        """Pass the batch once, for all probes that need a single pass."""
        parts = layers(network)
        activation_layers = activations(network) if "activations" in self._on else {}
        inputs = parts if "input_drift" in self._on else {}

        def activation_hook(name: str, module: nn.Module, x: Tensor, y: Tensor) -> None:
            merge(values, {name: activation_statistics(module, x, y)})

        with hooked(activation_layers, activation_hook), hooked(inputs, self._input_hook(values)):
            if "gradient_norm" in self._on:
                by_layer = gradients(network, trainable_layers(network), x, loss)
                norms = {name: float(norm(own)) for name, own in by_layer.items()}
                merge(values, {name: {"gradient_norm": value} for name, value in norms.items()})
            elif activation_layers or inputs:
                with torch.no_grad():
                    network(x)

    def _input_hook(self, values: LayerValues) -> Callable[..., None]:
        def hook(name: str, _: nn.Module, x: Tensor, __: Any) -> None:
            if not x.is_floating_point() or x.ndim < 2:
                return
            now, before = moments(x), self.inputs.get(name)
            self.inputs[name] = now
            if before is not None and before[0].shape == now[0].shape:
                merge(values, {name: {"input_drift": drift(before, now)}})

        return hook

    @contextmanager
    def _batch_and_loss(
        self, trainer: pl.Trainer, module: Classifier, epoch: int
    ) -> Iterator[tuple[Tensor, Loss]]:
        """Yield the batch and its loss function; restore the network's state after the block."""
        if self._batch is None:
            data = trainer.datamodule  # type: ignore[attr-defined]
            assert isinstance(data, TrialData)
            self._batch = data.probe_batch(self._num_images)
        x, target = self._batch
        plugin = trainer.precision_plugin
        generator = module.dropout_generator
        with (
            plugin.forward_context(),
            torch.enable_grad(),
            state_restored(module.network, generator, module.seed, epoch),
        ):
            yield plugin.convert_input(x), partial(_loss, module, target)


def merge(total: LayerValues, new: LayerValues) -> None:
    """Merge new values into ``total``, layer by layer."""
    for name, values in new.items():
        total.setdefault(name, {}).update(values)


def _loss(module: Classifier, target: Tensor, logits: Tensor) -> Tensor:
    loss: Tensor = module.loss(logits, target)
    return loss
