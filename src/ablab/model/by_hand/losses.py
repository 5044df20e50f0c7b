"""Losses and weight decay by hand, each a subclass of torch's or ablab's."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor, nn

from ablab.components.loss.binary_cross_entropy import BinaryCrossEntropy
from ablab.components.loss.half_squared_error import HalfSquaredError
from ablab.components.loss.l1 import L1
from ablab.components.loss.l2 import L2
from ablab.components.loss.mae import MAE
from ablab.components.loss.mape import MAPE
from ablab.components.loss.mse import MSE
from ablab.components.loss.msle import MSLE
from ablab.components.loss.output_loss import OutputLoss
from ablab.components.loss.rmse import RMSE
from ablab.components.regularizer import l2
from ablab.model.by_hand.function import array, by_hand
from ablab.reference import absolute_error, activation, decay, entropy, squared_error
from ablab.reference.windows import Array

Value = Callable[..., float]
Slope = Callable[..., Array]


class CrossEntropyByHand(nn.CrossEntropyLoss):
    """Computes by `ablab.reference.entropy.softmax_cross_entropy`."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002 (torch's word)
        """Return the scalar loss of logits (N, K) and targets (N,) or (N, K)."""
        hard, smoothing = targets(target, input.shape[1]), self.label_smoothing
        t = (1 - smoothing) * hard + smoothing / input.shape[1]
        return _loss(entropy.softmax_cross_entropy, entropy.softmax_cross_entropy_gradient)(
            input, t
        )


class BinaryCrossEntropyByHand(BinaryCrossEntropy):
    """Computes by `ablab.reference.entropy.binary_cross_entropy`."""

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, K) and targets (N,) or (N, K)."""
        t = targets(target, logits.shape[1])
        return _loss(entropy.binary_cross_entropy, entropy.binary_cross_entropy_gradient)(logits, t)


class OutputLossByHand(OutputLoss):
    """Computes a distance of softmax or sigmoid outputs, and its gradient, by `ablab.reference`."""

    of_outputs: Value
    of_outputs_gradient: Slope

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss of logits (N, K) and targets (N,) or (N, K)."""
        of, slope = type(self).of_outputs, type(self).of_outputs_gradient
        outputs = getattr(activation, self.output)
        outputs_gradient = getattr(activation, f"{self.output}_gradient")
        options = {"eps": self.floor} if isinstance(self, MAPE) else {}
        return _loss(
            lambda z, t: of(outputs(z), t, **options),
            lambda z, t: outputs_gradient(slope(outputs(z), t, **options), z),
        )(logits, targets(target, logits.shape[1]))


def _output_loss(plain: type[OutputLoss], value: Value, slope: Slope) -> type[nn.Module]:
    members = {"of_outputs": staticmethod(value), "of_outputs_gradient": staticmethod(slope)}
    return type(f"{plain.__name__}ByHand", (OutputLossByHand, plain), members)


def _loss(value: Value, slope: Slope) -> Callable[[Tensor, Array], Tensor]:
    """Return a loss of logits and targets (N, K); ``slope`` is its gradient by the logits."""
    return lambda logits, t: by_hand(
        lambda z: (value(z, t), (lambda dl: dl * slope(z, t),)), logits
    )


class WeightDecayByHand(l2.L2):
    """Computes by `ablab.reference.decay`."""

    def penalty(self) -> Tensor | None:
        """Return the scalar penalty, None if there are no weights."""
        if not self.weights:
            return None
        return by_hand(self._rule, *self.weights)

    def _rule(self, *weights: Array) -> Any:
        def slope(weight: Array) -> Callable[[Array], Array]:
            return lambda dl: dl * decay.weight_decay_gradient(weight, self.strength)

        return decay.weight_decay(weights, self.strength), tuple(slope(w) for w in weights)


def targets(target: Tensor, num_classes: int) -> Array:
    """Return targets (N, K): class indices (N,) one-hot encoded, probabilities unchanged."""
    if target.ndim == 1:
        return entropy.one_hot(np.asarray(target), num_classes)
    return array(target)


_S, _A = squared_error, absolute_error
BY_HAND: tuple[type, ...] = (
    CrossEntropyByHand,
    BinaryCrossEntropyByHand,
    WeightDecayByHand,
    _output_loss(HalfSquaredError, _S.half_squared_error, _S.half_squared_error_gradient),
    _output_loss(MSE, _S.mean_squared_error, _S.mean_squared_error_gradient),
    _output_loss(RMSE, _S.root_mean_squared_error, _S.root_mean_squared_error_gradient),
    _output_loss(MSLE, _S.mean_squared_log_error, _S.mean_squared_log_error_gradient),
    _output_loss(L2, _S.l2, _S.l2_gradient),
    _output_loss(L1, _A.l1, _A.l1_gradient),
    _output_loss(MAE, _A.mean_absolute_error, _A.mean_absolute_error_gradient),
    _output_loss(
        MAPE, _A.mean_absolute_percentage_error, _A.mean_absolute_percentage_error_gradient
    ),
)
