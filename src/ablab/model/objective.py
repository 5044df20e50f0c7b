"""The training objective: the loss, auxiliary losses, and the regularizer's penalty."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ablab.components.regularizer.regularizer import Regularizer


@dataclass(frozen=True)
class Evaluation:
    """Result of evaluating the objective on one batch.

    Attributes:
        cost: scalar, the quantity to minimize.
        logits: (N, K), the main logits.
        loss: scalar, the loss of the main logits, comparable with the validation loss.
        penalty: scalar, the regularizer's part of the cost; None if it has none.
    """

    cost: Tensor
    logits: Tensor
    loss: Tensor
    penalty: Tensor | None


class Objective:
    """Computes the cost of a batch.

    The cost is the loss of the main logits, plus ``network.auxiliary_weight`` times the sum of the
    losses of auxiliary logits, plus the penalty, which does not depend on the batch size.

    Args:
        loss: (logits, target) -> scalar.
        regularizer: penalizes the network's weights.
    """

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor], regularizer: Regularizer) -> None:
        self.loss, self.regularizer = loss, regularizer

    def __call__(self, network: nn.Module, x: Tensor, target: Tensor) -> Evaluation:
        """Evaluate one batch.

        Args:
            network: in training mode, (N, C, H, W) -> (N, K), or a tuple of main and auxiliary
                logits; in this case it has a number ``auxiliary_weight``.
            x: (N, C, H, W).
            target: (N,) class indices or (N, K) probabilities.
        """
        return self.evaluate(all_logits(network(x)), network, target)

    def evaluate(
        self, outputs: tuple[Tensor, ...], network: nn.Module, target: Tensor
    ) -> Evaluation:
        """Evaluate the outputs of one batch: main and auxiliary logits, (N, K) each."""
        logits, *auxiliary = outputs
        loss = cost = self.loss(logits, target)
        for extra in auxiliary:
            weight = network.auxiliary_weight
            assert isinstance(weight, int | float)  # the dry build refuses networks without one
            cost = cost + weight * self.loss(extra, target)
        penalty = self.regularizer.penalty()
        if penalty is not None:
            cost = cost + penalty
        return Evaluation(cost, logits, loss, penalty)


def all_logits(output: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return main and auxiliary logits, (N, K) each, from a network's output."""
    return output if isinstance(output, tuple) else (output,)
