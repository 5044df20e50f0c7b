"""LeNet-5, in today's version and that of 1998."""

from typing import Literal

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.connection_table import TableConv2d
from ablab.components.architecture.radial_basis import RadialBasis
from ablab.components.architecture.shape import shape_after

MIN_IMAGE_SIZE = 16


class LeNet5(nn.Module):
    """Two convolutions, each pooled, and three fully connected layers.

    The sizes are those of 1998 (32 -> 28 -> 14 -> 10 -> 5 pixels; 6, 16, 120, 84, K units; 61,706
    parameters with one plane, K = 10, ``full`` and ``linear``). The order is layer, normalization,
    activation, pooling or dropout. The first convolution pads images of 28 pixels to 32; other
    images are not padded, and determine the input size of C5.

    The network of 1998 is ``table``, ``rbf`` and ``activate_pooled`` with
    ``activation=scaled_tanh`` and ``pooling=trainable_subsampling``: 60,000 parameters. That of the
    S0 notes has sigmoid units, of which the loss applies the last:
    ``activation=sigmoid``, ``loss=half_squared_error``.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 16.
        activation: builder.
        pooling: builder.
        normalization: builder.
        dropout: builder; of units after the fully connected layers, of maps after the pooling.
        c3: ``"full"``, or ``"table"`` for the connections of the paper's table I.
        output: ``"linear"``, or ``"rbf"`` for negative squared distances to fixed codes.
        activate_pooled: add an activation after each pooling, as in 1998.

    Raises:
        ValueError: the image is too small for two convolutions and two poolings, or an option is
            unknown.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, section II;
    ours: C3's full connection, the linear output, and the components of the builders.
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
        c3: Literal["full", "table"],
        output: Literal["linear", "rbf"],
        activate_pooled: bool,
    ) -> None:
        super().__init__()
        _check(image_size, c3, output)

        def pooled(layer: nn.Module, outputs: int) -> list[nn.Module]:
            second_activation = [activation(outputs)] if activate_pooled else []
            after = [pooling(outputs), *second_activation, parts.dropout_at("maps", dropout)]
            return [layer, *parts.norm_act(outputs, 2, activation, normalization), *after]

        def linear(inputs: int, outputs: int) -> list[nn.Module]:
            following = parts.norm_act(outputs, 0, activation, normalization)
            return [nn.Linear(inputs, outputs), *following, parts.dropout_at("units", dropout)]

        padding = 2 if image_size == 28 else 0
        first = pooled(nn.Conv2d(in_channels, 6, kernel_size=5, padding=padding), 6)
        second = nn.Conv2d(6, 16, kernel_size=5) if c3 == "full" else TableConv2d(kernel_size=5)
        self.features = nn.Sequential(*first, *pooled(second, 16))
        self.flatten = nn.Flatten()
        flat = torch.Size(shape_after(self.features, in_channels, image_size)).numel()
        last = nn.Linear(84, num_classes) if output == "linear" else RadialBasis(84, num_classes)
        self.classifier = nn.Sequential(*linear(flat, 120), *linear(120, 84), last)
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.classifier(self.flatten(self.features(x)))
        return logits


def _check(image_size: int, c3: str, output: str) -> None:
    if image_size < MIN_IMAGE_SIZE:
        raise ValueError(f"dataset.image_size must be at least {MIN_IMAGE_SIZE}, got {image_size}")
    if c3 not in ("full", "table"):
        raise ValueError(f"c3 must be one of full, table, got {c3}")
    if output not in ("linear", "rbf"):
        raise ValueError(f"output must be one of linear, rbf, got {output}")
