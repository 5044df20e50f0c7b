"""Activations and batch normalization by hand, each a subclass of torch's layer."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ablab.model.by_hand.function import array, by_hand
from ablab.reference import activation, normalization, rectifier
from ablab.reference.windows import Array


class ActivationByHand(nn.Module):
    """Computes an activation and its gradient by `ablab.reference`.

    Attributes:
        value: the function.
        gradient: its gradient.
        options: attributes of torch's layer, by the reference's argument names.
    """

    value: Callable[..., Array]
    gradient: Callable[..., Array]
    options: Mapping[str, str]

    def forward(self, z: Tensor) -> Tensor:
        """Return a tensor of the shape and dtype of ``z``."""
        options = {name: getattr(self, attribute) for name, attribute in self.options.items()}
        value, gradient = type(self).value, type(self).gradient
        return by_hand(lambda z: (value(z, **options), (lambda da: gradient(da, z, **options),)), z)


def _activation(
    layer: type[nn.Module],
    value: Callable[..., Array],
    gradient: Callable[..., Array],
    **options: str,
) -> type[nn.Module]:
    members = {"value": staticmethod(value), "gradient": staticmethod(gradient), "options": options}
    return type(f"{layer.__name__}ByHand", (ActivationByHand, layer), members)


class PReLUByHand(nn.PReLU):
    """Computes PReLU by `ablab.reference.rectifier.prelu`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's word)
        """Return a tensor of the shape and dtype of the input, (N, C, ...)."""

        def rule(z: Array, slope: Array) -> Any:
            return rectifier.prelu(z, slope), (
                lambda da: rectifier.prelu_gradient(da, z, slope),
                lambda da: rectifier.prelu_slope_gradient(da, z, slope),
            )

        return by_hand(rule, input, self.weight)


class _BatchNormByHand(nn.modules.batchnorm._BatchNorm):
    """Computes batch normalization by `ablab.reference.normalization`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Return a tensor of the shape and dtype of the input, (N, C, ...)."""
        affine = (self.weight, self.bias) if self.affine else ()
        if self.training:
            self._update_running_moments(array(input))
            return by_hand(self._batch_rule, input, *affine)
        assert self.running_mean is not None
        assert self.running_var is not None
        running = array(self.running_mean), array(self.running_var)

        def rule(x: Array, *affine: Array) -> Any:
            scale, shift = affine or self._identity()
            unit = normalization.normalized(x, *running, eps=self.eps)
            none = np.zeros_like(scale)
            return normalization.batch_norm(x, scale, shift, *running, eps=self.eps), (
                lambda dy: normalization.batch_norm(
                    dy, scale, none, none, running[1], eps=self.eps
                ),
                lambda dy: normalization.scale_gradient(dy, unit),
                normalization.shift_gradient,
            )[: 1 + len(affine)]

        return by_hand(rule, input, *affine)

    def _batch_rule(self, x: Array, *affine: Array) -> Any:
        scale, shift = affine or self._identity()
        moments = normalization.moments(x)
        unit = normalization.normalized(x, *moments, eps=self.eps)
        return normalization.batch_norm(x, scale, shift, *moments, eps=self.eps), (
            lambda dy: normalization.input_gradient(dy, x, scale, eps=self.eps),
            lambda dy: normalization.scale_gradient(dy, unit),
            normalization.shift_gradient,
        )[: 1 + len(affine)]

    def _identity(self) -> tuple[Array, Array]:
        return np.ones(self.num_features), np.zeros(self.num_features)

    @torch.no_grad()
    def _update_running_moments(self, x: Array) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        running = array(self.running_mean), array(self.running_var)
        mean, variance = normalization.running_moments(running, x, self.momentum)
        self.running_mean.copy_(torch.from_numpy(mean))
        self.running_var.copy_(torch.from_numpy(variance))
        self.num_batches_tracked.add_(1)


class BatchNorm1dByHand(_BatchNormByHand, nn.BatchNorm1d):
    """Batch normalization of (N, C) or (N, C, L)."""


class BatchNorm2dByHand(_BatchNormByHand, nn.BatchNorm2d):
    """Batch normalization of (N, C, H, W)."""


BY_HAND: tuple[type[nn.Module], ...] = (
    _activation(nn.Sigmoid, activation.sigmoid, activation.sigmoid_gradient),
    _activation(nn.Tanh, activation.tanh, activation.tanh_gradient),
    _activation(nn.Softmax, activation.softmax, activation.softmax_gradient, axis="dim"),
    _activation(nn.ReLU, rectifier.relu, rectifier.relu_gradient),
    _activation(
        nn.LeakyReLU, rectifier.leaky_relu, rectifier.leaky_relu_gradient, slope="negative_slope"
    ),
    _activation(nn.ELU, rectifier.elu, rectifier.elu_gradient, alpha="alpha"),
    PReLUByHand,
    BatchNorm1dByHand,
    BatchNorm2dByHand,
)
