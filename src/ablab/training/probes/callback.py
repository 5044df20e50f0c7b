"""Lightning callback that runs the probes once per epoch."""

import math
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from ablab.config.probe_switches import NUM_IMAGES, switched_on
from ablab.lightning import pl
from ablab.model.classifier import Classifier
from ablab.training.probes.layer_probes import LayerProbes, merge
from ablab.training.probes.layers import (
    LayerValues,
    Values,
    layers,
    norm,
    trainable,
    trainable_layers,
)
from ablab.training.probes.table import Table


class Probes(pl.callbacks.Checkpoint):
    """Runs the requested probes after each epoch (see `ablab.training.probes`).

    It subclasses `Checkpoint`, because Lightning calls checkpoints after the module has logged the
    epoch's metrics. It must precede the `Recorder`, which records them.

    Args:
        switches: the ``probes`` group.
        path: path of the table, which rank 0 writes.
    """

    def __init__(self, switches: Mapping[str, Any], path: Path) -> None:
        self._on = switched_on(switches)
        self._layer_probes = LayerProbes(self._on, int(switches[NUM_IMAGES]))
        self._table = Table(path)
        self._before: dict[str, list[Tensor]] = {}
        self._ratios: dict[str, float] = {}

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Measure the initial network."""
        assert isinstance(module, Classifier)
        self._layer_probes.start(trainer, module)

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, index: int
    ) -> None:
        """Copy the weights before the epoch's last step."""
        if index == trainer.num_training_batches - 1 and "update_ratio" in self._on:
            self._before = {
                name: [p.detach().clone() for p in own] for name, own in _parameters(module).items()
            }

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Compare the weights after the epoch's last step."""
        if index == trainer.num_training_batches - 1 and "update_ratio" in self._on:
            for name, own in _parameters(module).items():
                before = self._before[name]
                change = norm([p - b for p, b in zip(own, before, strict=True)])
                length = norm(before)
                self._ratios[name] = float(change / length) if length > 0 else math.inf
            self._before = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Measure, write the table, and log the means."""
        assert isinstance(module, Classifier)
        layer_values: LayerValues = {name: {} for name in layers(module.network)}
        if "weight_norm" in self._on:
            merge(
                layer_values, {n: {"weight_norm": length} for n, length in _norms(module).items()}
            )
        merge(layer_values, {name: {"update_ratio": ratio} for name, ratio in self._ratios.items()})
        merge(layer_values, self._layer_probes.measure(trainer, module))
        if trainer.is_global_zero:
            self._table.append(trainer.current_epoch, layer_values)
        values = summarize(layer_values) | self._layer_probes.initial
        if "generalization_gap" in self._on:
            values |= _gaps(trainer.callback_metrics)
        metrics = {f"probe/{n}": torch.tensor(v, device=module.device) for n, v in values.items()}
        module.log_dict(metrics, sync_dist=True)

    def state_dict(self) -> dict[str, Any]:
        """Return the layers' input statistics, and the values of the initial network."""
        return {"inputs": self._layer_probes.inputs, "initial": self._layer_probes.initial}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore these from a checkpoint."""
        self._layer_probes.inputs = state_dict["inputs"]
        self._layer_probes.initial = state_dict["initial"]


def summarize(layer_values: LayerValues) -> Values:
    """Return the mean of each probe over the layers, and the other per-network values."""
    by_probe: dict[str, list[float]] = {}
    for values in layer_values.values():
        for probe, value in values.items():
            by_probe.setdefault(probe, []).append(value)
    means = {probe: fmean(values) for probe, values in by_probe.items()}
    if norms := by_probe.get("gradient_norm"):
        ratio = norms[0] / norms[-1] if norms[-1] else math.inf
        means["gradient_norm_first_to_last"] = ratio
    if sides := by_probe.get("receptive_field"):
        means["receptive_field"] = sides[-1]
    return means


def _parameters(module: pl.LightningModule) -> dict[str, list[Tensor]]:
    assert isinstance(module, Classifier)
    return {name: trainable(layer) for name, layer in trainable_layers(module.network).items()}


def _norms(module: Classifier) -> dict[str, float]:
    named = layers(module.network).items()
    return {name: float(norm(list(layer.parameters(recurse=False)))) for name, layer in named}


def _gaps(metrics: Mapping[str, Tensor]) -> Values:
    """Return the gaps of accuracy and loss between training and validation images."""
    accuracy = metrics["train/accuracy"] - metrics["val/accuracy"]
    loss = metrics["val/loss"] - metrics["train/loss"]
    return {"generalization_gap_accuracy": float(accuracy), "generalization_gap_loss": float(loss)}
