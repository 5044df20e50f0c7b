"""Outputs of an epoch of several trials, as `EpochOutputs` of each."""

import torch
from torch import Tensor

from ablab.model.epoch_metrics import STEPS_BETWEEN_CHECKS, EpochOutputs


class FusedOutputs:
    """Stores the outputs of each step of an epoch of T trials.

    Args:
        trials: T.
    """

    def __init__(self, trials: int) -> None:
        self._trials = trials
        self._predicted: list[Tensor] = []
        self._target: list[Tensor] = []
        self._losses: list[Tensor] = []
        self._penalties: list[Tensor] = []

    def add(
        self, logits: Tensor, target: Tensor, losses: Tensor, penalties: tuple[Tensor, ...] = ()
    ) -> None:
        """Store one batch: logits (T * N, K), target (T * N,) or (T * N, K), losses (T,)."""
        self._predicted.append(logits.detach().argmax(1))
        self._target.append(target if target.ndim == 1 else target.argmax(1))
        self._losses.append(losses.detach())
        if penalties:
            self._penalties.append(torch.stack(penalties).detach())

    def are_finite(self) -> list[bool]:
        """Return of each trial whether its losses and penalties since the last check are finite."""
        values = (self._losses, self._penalties)
        recent = [torch.stack(v[-STEPS_BETWEEN_CHECKS:]) for v in values if v]
        finite: list[bool] = torch.cat(recent).isfinite().all(0).tolist()
        return finite

    def by_trial(self) -> list[EpochOutputs]:
        """Return the outputs of each trial."""
        outputs = [EpochOutputs() for _ in range(self._trials)]
        for name, values in (("predicted", self._predicted), ("target", self._target)):
            for value in values:
                for own, rows in zip(outputs, value.chunk(self._trials), strict=True):
                    getattr(own, name).append(rows)
        for name, values in (("loss", self._losses), ("penalty", self._penalties)):
            for value in values:
                for own, scalar in zip(outputs, value.unbind(), strict=True):
                    getattr(own, name).append(scalar)
        return outputs
