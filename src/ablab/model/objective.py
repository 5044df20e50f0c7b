"""What a step lowers: the loss, that of auxiliary logits, and the regularizer's penalty."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from ablab.components.regularizer.regularizer import Regularizer


@dataclass(frozen=True)
class Evaluation:
    """One batch under a network in training mode.

    Attributes:
        cost: scalar, what is differentiated.
        logits: (N, K), the main ones.
        loss: scalar, the loss of the main logits: the part of the cost that validation has too.
        penalty: scalar, the regularizer's part of the cost; None where it has none.
    """

    cost: Tensor
    logits: Tensor
    loss: Tensor
    penalty: Tensor | None


class Objective:
    """The cost of a batch.

    It is the loss of the main logits, plus ``network.auxiliary_weight`` times the sum of the
    losses of auxiliary ones, plus the penalty, which is added once, whatever the batch's size.

    Args:
        loss: (logits, target) -> scalar.
        regularizer: of the network's weights.
    """

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor], regularizer: Regularizer) -> None:
        self.loss, self.regularizer = loss, regularizer

    def __call__(self, network: nn.Module, x: Tensor, target: Tensor) -> Evaluation:
        """Evaluate one batch.

        Args:
            network: in training mode, (N, C, H, W) -> (N, K), or a tuple of such that begins with
                the main logits; it has a number ``auxiliary_weight`` then.
            x: (N, C, H, W).
            target: (N,) class indices or (N, K) probabilities.
        """
        logits, *auxiliary = all_logits(network(x))
        loss = cost = self.loss(logits, target)
        for further in auxiliary:
            weight = network.auxiliary_weight
            assert isinstance(weight, int | float)  # the rehearsal refuses what has none
            cost = cost + weight * self.loss(further, target)
        penalty = self.regularizer.penalty()
        if penalty is not None:
            cost = cost + penalty
        return Evaluation(cost, logits, loss, penalty)


def all_logits(output: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return main and auxiliary logits, (N, K) each, of what a network returned."""
    return output if isinstance(output, tuple) else (output,)
