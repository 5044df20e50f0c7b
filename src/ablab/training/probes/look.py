"""A look into a trial's network: the probe batch passes through, and nothing stays of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from ablab.data.trial_data import TrialData
from ablab.model.classifier import Classifier
from ablab.training.probes.gradients import Loss, gradient_changes, gradients
from ablab.training.probes.layers import (
    Figures,
    Values,
    activations,
    hooked,
    layers,
    norm,
    trained,
    undisturbed,
)
from ablab.training.probes.passing import activation_figures, drift, moments
from ablab.training.probes.receptive_field import receptive_fields

_BEFORE_TRAINING = -1


class Look:
    """Measures what of layers the probe batch shows.

    Args:
        on: the probes that are asked for.
        num_images: of the batch, at most.

    Attributes:
        inputs: mean and variance of the input channels of each layer, as last seen.
    """

    def __init__(self, on: frozenset[str], num_images: int) -> None:
        self.inputs: dict[str, tuple[Tensor, Tensor]] = {}
        self._on, self._num_images = on, num_images
        self._batch: tuple[Tensor, Tensor] | None = None

    def begin(self, trainer: pl.Trainer, module: Classifier) -> None:
        """Look at the initial inputs of layers, unless a checkpoint has told some."""
        if "input_drift" not in self._on or self.inputs:
            return
        hook = self._see_input({})
        with (
            self._looking(trainer, module, _BEFORE_TRAINING) as (x, _),
            hooked(layers(module.network), hook),
            torch.no_grad(),
        ):
            module.network(x)

    def figures(self, trainer: pl.Trainer, module: Classifier) -> Figures:
        """Return what the network shows now, by layer and probe."""
        found: Figures = {}
        network, parts = module.network, layers(module.network)
        taking = {name: layer for name, layer in parts.items() if trained(layer)}
        with self._looking(trainer, module, trainer.current_epoch) as (x, loss):
            self._pass(network, x, loss, found)
            if "gradient_change" in self._on:
                lr = trainer.optimizers[0].param_groups[0]["lr"]
                add(found, gradient_changes(network, taking, x, loss, lr))
            if "receptive_field" in self._on:
                network.eval()  # in training mode a batch norm would mix the images
                sides = receptive_fields(network, parts, x)
                add(found, {name: {"receptive_field": side} for name, side in sides.items()})
        return found

    def _pass(self, network: nn.Module, x: Tensor, loss: Loss, found: Figures) -> None:
        """Pass the batch through once, for all that one pass shows."""
        parts = layers(network)
        looked_at = activations(network) if "activations" in self._on else {}
        inputs = parts if "input_drift" in self._on else {}

        def see(name: str, module: nn.Module, x: Tensor, y: Tensor) -> None:
            add(found, {name: activation_figures(module, x, y)})

        with hooked(looked_at, see), hooked(inputs, self._see_input(found)):
            if "gradient_norm" in self._on:
                taking = {name: layer for name, layer in parts.items() if trained(layer)}
                norms = {n: norm(g) for n, g in gradients(network, taking, x, loss).items()}
                add(found, {name: {"gradient_norm": float(v)} for name, v in norms.items()})
            elif looked_at or inputs:
                with torch.no_grad():
                    network(x)

    def _see_input(self, found: Figures) -> Callable[..., None]:
        def see(name: str, _: nn.Module, x: Tensor, __: Any) -> None:
            if not x.is_floating_point() or x.ndim < 2:
                return
            now, before = moments(x), self.inputs.get(name)
            self.inputs[name] = now
            if before is not None and before[0].shape == now[0].shape:
                add(found, {name: {"input_drift": drift(before, now)}})

        return see

    @contextmanager
    def _looking(
        self, trainer: pl.Trainer, module: Classifier, epoch: int
    ) -> Iterator[tuple[Tensor, Loss]]:
        """Give the batch and the loss on it, with the network at hand for the block."""
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
            undisturbed(module.network, generator, module.seed, epoch),
        ):
            yield plugin.convert_input(x), partial(_loss, module, target)


def add(found: Figures, further: dict[str, Values]) -> None:
    """Add figures to those that are there."""
    for name, values in further.items():
        found.setdefault(name, {}).update(values)


def _loss(module: Classifier, target: Tensor, logits: Tensor) -> Tensor:
    loss: Tensor = module.loss(logits, target)
    return loss
