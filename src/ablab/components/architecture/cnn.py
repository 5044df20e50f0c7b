"""A small configurable convolutional network."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.convolution import convolution
from ablab.components.architecture.shape import check_widths, shape_after
from ablab.components.architecture.window import Padding, Window

Conv = Literal["ordinary", "separable", "locally_connected", "stacked", "transposed"]


class CNN(nn.Module):
    """Convolutions, each pooled, and one linear layer.

    Each layer is an optional 1x1 bottleneck, convolution, normalization, activation, pooling,
    dropout of maps.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels.
        activation: builder.
        pooling: builder.
        normalization: builder.
        dropout: builder; of units before the linear layer, of maps after each pooling.
        channels: maps of each layer, each >= 1; one layer per number.
        conv: kind of each layer, see `convolution`; ``"transposed"`` is refused with a reason.
        kernel_size: side of a kernel, in pixels, >= 1.
        stride: step of each convolution, in pixels, >= 1.
        dilation: step between the pixels of a window, >= 1.
        padding: border of each convolution, see `Window`.
        bottleneck: a 1x1 convolution to a quarter of the layer's maps before every layer but the
            first: ``"none"``, ``"linear"``, or ``"activated"`` with normalization and activation
            after it.
        head: input of the linear layer: ``"flatten"``, all pixels, or ``"average"`` of each map.

    Raises:
        ValueError: a value is out of its range, or the image is too small for the layers.

    Source: ours, of conventional parts. Bottleneck: Lin et al. 2014, arXiv:1312.4400, and
    Szegedy et al. 2015, arXiv:1409.4842; average: Lin et al. 2014, section 3.2.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        image_size: int,
        *,
        activation: parts.Activation,
        pooling: parts.Pooling,
        normalization: parts.Normalization,
        dropout: parts.Dropout,
        channels: Sequence[int],
        conv: Conv,
        kernel_size: int,
        stride: int,
        dilation: int,
        padding: Padding,
        bottleneck: Literal["none", "linear", "activated"],
        head: Literal["flatten", "average"],
    ) -> None:
        super().__init__()
        _check(bottleneck, head)
        window = Window(kernel_size, stride, dilation, padding)

        def following(maps: int) -> list[nn.Module]:
            return parts.norm_act(maps, 2, activation, normalization)

        stages: list[nn.Module] = []
        inputs, side = in_channels, image_size
        if not channels:
            raise ValueError("channels must be positive integers, one or more, got []")
        for outputs in check_widths("channels", channels):
            layers: list[nn.Module] = []
            if bottleneck != "none" and stages:
                reduced = max(1, outputs // 4)
                layers.append(nn.Conv2d(inputs, reduced, 1))
                layers += following(reduced) if bottleneck == "activated" else []
                inputs = reduced
            layers += convolution(
                conv, inputs, outputs, side=side, window=window, following=following
            )
            layers += [*following(outputs), pooling(outputs), parts.dropout_at("maps", dropout)]
            stages.append(nn.Sequential(*layers))
            inputs = outputs
            side = _side_after(nn.Sequential(*stages), in_channels, image_size)
        self.features = nn.Sequential(*stages)
        average = [nn.AdaptiveAvgPool2d(1)] if head == "average" else []
        flat = inputs * (side**2 if head == "flatten" else 1)
        self.head = nn.Sequential(
            *(*average, nn.Flatten(), parts.dropout_at("units", dropout)),
            nn.Linear(flat, num_classes),
        )
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.head(self.features(x))
        return logits


def _side_after(stages: nn.Sequential, in_channels: int, image_size: int) -> int:
    try:
        return shape_after(stages, in_channels, image_size)[-1]
    except ValueError as error:
        rule = f"large enough for the windows of {len(stages)} layers"
        raise ValueError(f"dataset.image_size must be {rule}, got {image_size}") from error


def _check(bottleneck: str, head: str) -> None:
    if bottleneck not in ("none", "linear", "activated"):
        raise ValueError(f"bottleneck must be one of none, linear, activated, got {bottleneck}")
    if head not in ("flatten", "average"):
        raise ValueError(f"head must be one of flatten, average, got {head}")
