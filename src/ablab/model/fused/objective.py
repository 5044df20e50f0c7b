"""The costs of trials that train together."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablab.model.objective import Objective, all_logits


@dataclass(frozen=True)
class FusedEvaluation:
    """Result of evaluating the objectives of T trials on one batch of N images each.

    Attributes:
        costs: (T,), to minimize; a trial's depends on its own weights alone.
        logits: (T * N, K), the main logits.
        losses: (T,), of the main logits.
        penalties: of each trial; empty if they have none.
    """

    costs: Tensor
    logits: Tensor
    losses: Tensor
    penalties: tuple[Tensor, ...] = ()


class FusedObjective:
    """Computes the costs of T trials from the outputs of their network.

    Args:
        objectives: of each trial.
        networks: the trials' own.
    """

    def __init__(self, objectives: Sequence[Objective], networks: Sequence[nn.Module]) -> None:
        self._objectives, self._networks = list(objectives), list(networks)
        self._is_plain = all(_is_plain(objective) for objective in objectives)

    def __call__(self, output: Tensor | tuple[Tensor, ...], target: Tensor) -> FusedEvaluation:
        """Evaluate one batch.

        Args:
            output: main logits (T * N, K), or a tuple of these and auxiliary logits.
            target: (T * N,) class indices or (T * N, K) probabilities.
        """
        trials = len(self._objectives)
        if self._is_plain and isinstance(output, Tensor) and target.ndim == 1:
            losses = F.cross_entropy(output, target, reduction="none").view(trials, -1).mean(1)
            return FusedEvaluation(losses, output, losses)
        outputs = all_logits(output)
        own = [
            objective.evaluate(logits, network, labels)
            for objective, network, labels, logits in zip(
                self._objectives,
                self._networks,
                target.chunk(trials),
                zip(*(each.chunk(trials) for each in outputs), strict=True),
                strict=True,
            )
        ]
        return FusedEvaluation(
            torch.stack([each.cost for each in own]),
            outputs[0],
            torch.stack([each.loss for each in own]),
            tuple(each.penalty for each in own if each.penalty is not None),
        )

    def losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each trial, (T,), without penalty."""
        if self._is_plain:
            loss = F.cross_entropy(logits, target, reduction="none")
            return loss.view(len(self._objectives), -1).mean(1)
        parts = logits.chunk(len(self._objectives)), target.chunk(len(self._objectives))
        return torch.stack([o.loss(x, y) for o, x, y in zip(self._objectives, *parts, strict=True)])


def _is_plain(objective: Objective) -> bool:
    """Return whether an objective is the mean cross entropy of class indices."""
    loss = objective.loss
    return (
        type(loss) is nn.CrossEntropyLoss
        and (loss.weight, loss.label_smoothing, loss.reduction) == (None, 0.0, "mean")
        and objective.regularizer.penalty() is None
    )
