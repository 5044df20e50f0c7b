"""Layers whose forward and backward passes are computed by `ablab.reference`.

Each is a subclass of torch's layer and has the same state, so that parameters, optimizers and
checkpoints do not differ.
"""

from typing import Any

from torch import Tensor, nn

from ablab.components.dropout.dropout import Dropout
from ablab.components.pooling.lp import LpPool
from ablab.model.by_hand.function import Rule, array, by_hand
from ablab.reference import (
    convolution,
    dropout,
    linear,
    lp_pooling,
    pooling,
    transposed,
)
from ablab.reference.windows import Array


class Conv2dByHand(nn.Conv2d):
    """Computes by `ablab.reference.convolution.cross_correlation`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's word)
        """Return (N, O, H', W') of (N, C, H, W)."""
        geometry: dict[str, Any] = {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
        }

        def rule(x: Array, weight: Array, bias: Array | None = None) -> Any:
            y = convolution.cross_correlation(x, weight, bias, **geometry)
            image, kernel = x.shape[2:], weight.shape[2:]
            return y, (
                lambda dy: convolution.input_gradient(dy, weight, image, **geometry),
                lambda dy: convolution.weight_gradient(dy, x, kernel, **geometry),
                convolution.bias_gradient,
            )[: 2 if bias is None else 3]

        return by_hand(rule, input, self.weight, self.bias)


class ConvTranspose2dByHand(nn.ConvTranspose2d):
    """Computes by `ablab.reference.transposed.transposed_convolution`."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002
        """Return (N, C, H', W') of (N, O, H, W)."""
        assert output_size is None
        extra: Any = self.output_padding
        geometry: dict[str, Any] = {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
        }

        def rule(x: Array, weight: Array, bias: Array | None = None) -> Any:
            y = transposed.transposed_convolution(x, weight, bias, **geometry, extra=extra)
            kernel = weight.shape[2:]
            return y, (
                lambda dy: transposed.input_gradient(dy, weight, **geometry),
                lambda dy: transposed.weight_gradient(dy, x, kernel, **geometry),
                convolution.bias_gradient,
            )[: 2 if bias is None else 3]

        return by_hand(rule, input, self.weight, self.bias)


class LinearByHand(nn.Linear):
    """Computes by `ablab.reference.linear`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Return (N, K) of (N, I)."""

        def rule(x: Array, weight: Array, bias: Array | None = None) -> Any:
            return linear.linear(x, weight, bias), (
                lambda dz: linear.input_gradient(dz, weight),
                lambda dz: linear.weight_gradient(dz, x),
                linear.bias_gradient,
            )[: 2 if bias is None else 3]

        return by_hand(rule, input, self.weight, self.bias)


class MaxPool2dByHand(nn.MaxPool2d):
    """Computes by `ablab.reference.pooling.max_pool`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Return (N, C, H', W') of (N, C, H, W)."""
        window: Any = self.kernel_size, self.stride
        border: Any = {"padding": self.padding, "dilation": self.dilation}

        def rule(x: Array) -> Any:
            y = pooling.max_pool(x, *window, **border)
            return y, (lambda dy: pooling.max_pool_gradient(dy, x, *window, **border),)

        return by_hand(rule, input)


class AvgPool2dByHand(nn.AvgPool2d):
    """Computes by `ablab.reference.pooling.mean_pool`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Return (N, C, H', W') of (N, C, H, W)."""
        window: Any = self.kernel_size, self.stride
        border: Any = {"padding": self.padding, "count_border": self.count_include_pad}

        def rule(x: Array) -> Any:
            y = pooling.mean_pool(x, *window, **border)
            return y, (lambda dy: pooling.mean_pool_gradient(dy, x, *window, **border),)

        return by_hand(rule, input)


class LpPoolByHand(LpPool):
    """Computes by `ablab.reference.lp_pooling`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H', W') of (N, C, H, W)."""
        window = self.kernel_size, self.stride
        norm: Any = {"padding": self.padding, "p": self.p, "form": self.form}

        def rule(x: Array) -> Any:
            y = lp_pooling.lp_pool(x, *window, **norm)
            return y, (lambda dy: lp_pooling.lp_pool_gradient(dy, x, *window, **norm),)

        return by_hand(rule, x)


class DropoutByHand(Dropout):
    """Computes by `ablab.reference.dropout`; draws the same masks as `Dropout`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape and dtype of ``x``."""
        if not self.training or self.p == 0:
            return x
        mask = array(self.mask(x))
        rule: Rule = lambda x: (  # noqa: E731
            dropout.dropout(x, mask, self.p),
            (lambda dy: dropout.dropout_gradient(dy, mask, self.p),),
        )
        return by_hand(rule, x)


BY_HAND: tuple[type[nn.Module], ...] = (
    Conv2dByHand,
    ConvTranspose2dByHand,
    LinearByHand,
    MaxPool2dByHand,
    AvgPool2dByHand,
    LpPoolByHand,
    DropoutByHand,
)
