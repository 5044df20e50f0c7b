"""The callback that measures once an epoch."""

import math
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor

from ablab.config.probe_switches import NUM_IMAGES, switched_on
from ablab.model.classifier import Classifier
from ablab.training.probes.layers import Figures, Values, layers, norm, trained
from ablab.training.probes.look import Look, add
from ablab.training.probes.table import Table


class Probes(Checkpoint):
    """Measures behind each epoch what is asked for (see `ablab.training.probes`).

    A Checkpoint to Lightning, whose turn comes when the epoch's figures are logged; it has to
    stand before the `Recorder`, which writes them down.

    Args:
        asked: the ``probes`` group.
        path: of the table, which the first process writes.
    """

    def __init__(self, asked: Mapping[str, Any], path: Path) -> None:
        self._on = switched_on(asked)
        self._look = Look(self._on, int(asked[NUM_IMAGES]))
        self._table = Table(path)
        self._before: dict[str, list[Tensor]] = {}
        self._ratios: dict[str, float] = {}

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Look at the initial network."""
        assert isinstance(module, Classifier)
        self._look.begin(trainer, module)

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, index: int
    ) -> None:
        """Keep the weights before the epoch's last step."""
        if index == trainer.num_training_batches - 1 and "update_ratio" in self._on:
            self._before = {
                name: [p.detach().clone() for p in own] for name, own in _trained(module).items()
            }

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Compare the weights behind the epoch's last step."""
        if index == trainer.num_training_batches - 1 and "update_ratio" in self._on:
            for name, own in _trained(module).items():
                before = self._before[name]
                change = norm([p - b for p, b in zip(own, before, strict=True)])
                length = norm(before)
                self._ratios[name] = float(change / length) if length > 0 else math.inf
            self._before = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Measure, write the table, and log the means."""
        assert isinstance(module, Classifier)
        figures: Figures = {name: {} for name in layers(module.network)}
        if "weight_norm" in self._on:
            add(figures, {n: {"weight_norm": length} for n, length in _norms(module).items()})
        add(figures, {name: {"update_ratio": ratio} for name, ratio in self._ratios.items()})
        add(figures, self._look.figures(trainer, module))
        if trainer.is_global_zero:
            self._table.append(trainer.current_epoch, figures)
        values = summed_up(figures)
        if "generalization_gap" in self._on:
            values |= _gaps(trainer.callback_metrics)
        metrics = {f"probe/{n}": torch.tensor(v, device=module.device) for n, v in values.items()}
        module.log_dict(metrics, sync_dist=True)

    def state_dict(self) -> dict[str, Any]:
        """Return what the next epoch is compared with."""
        return {"inputs": self._look.inputs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._look.inputs = state_dict["inputs"]


def summed_up(figures: Figures) -> Values:
    """Return the mean of each probe over the layers, and what else sums layers up."""
    of_probe: dict[str, list[float]] = {}
    for values in figures.values():
        for probe, value in values.items():
            of_probe.setdefault(probe, []).append(value)
    means = {probe: fmean(values) for probe, values in of_probe.items()}
    if norms := of_probe.get("gradient_norm"):
        ratio = norms[0] / norms[-1] if norms[-1] else math.inf
        means["gradient_norm_first_to_last"] = ratio
    if sides := of_probe.get("receptive_field"):
        means["receptive_field"] = sides[-1]
    return means


def _trained(module: pl.LightningModule) -> dict[str, list[Tensor]]:
    assert isinstance(module, Classifier)
    found = {name: trained(layer) for name, layer in layers(module.network).items()}
    return {name: own for name, own in found.items() if own}


def _norms(module: Classifier) -> dict[str, float]:
    found = layers(module.network).items()
    return {name: float(norm(list(layer.parameters(recurse=False)))) for name, layer in found}


def _gaps(metrics: Mapping[str, Tensor]) -> Values:
    """Return how much better the training images fare than those of validation."""
    accuracy = metrics["train/accuracy"] - metrics["val/accuracy"]
    loss = metrics["val/loss"] - metrics["train/loss"]
    return {"generalization_gap_accuracy": float(accuracy), "generalization_gap_loss": float(loss)}
