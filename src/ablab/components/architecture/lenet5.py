"""LeNet-5 as it is built today."""

import torch
from torch import Tensor, nn

from ablab.components import parts

MIN_IMAGE_SIZE = 16


class LeNet5(nn.Module):
    """Two convolutions, each pooled, and three fully connected layers.

    The shapes of 1998 (32 -> 28 -> 14 -> 10 -> 5 pixels; 6, 16, 120, 84, K units; 61,706
    parameters with one plane and K = 10), with C3 fully connected and a linear output layer. The
    order is layer, normalization, activation, pooling or dropout. An image of 28 pixels is padded
    to 32 by the first convolution; any other is taken as it is, and sets the input size of C5.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 16.
        activation: builder.
        pooling: builder.
        normalization: builder.
        dropout: builder, after the activations of the fully connected layers.

    Raises:
        ValueError: the image is too small for two convolutions and two poolings.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, section II;
    ours: C3's full connection, the output layer, and whatever the builders bring.
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
    ) -> None:
        super().__init__()
        if image_size < MIN_IMAGE_SIZE:
            raise ValueError(
                f"dataset.image_size must be at least {MIN_IMAGE_SIZE}, got {image_size}"
            )

        def conv(inputs: int, outputs: int, padding: int = 0) -> list[nn.Module]:
            layer = nn.Conv2d(inputs, outputs, kernel_size=5, padding=padding)
            return [layer, normalization(outputs, 2), activation(outputs), pooling(outputs)]

        def linear(inputs: int, outputs: int) -> list[nn.Module]:
            layer = nn.Linear(inputs, outputs)
            return [layer, normalization(outputs, 0), activation(outputs), dropout()]

        padding = 2 if image_size == 28 else 0
        self.features = nn.Sequential(*conv(in_channels, 6, padding), *conv(6, 16))
        self.flatten = nn.Flatten()
        flat = _flat_size(self.features, in_channels, image_size)
        self.classifier = nn.Sequential(
            *linear(flat, 120), *linear(120, 84), nn.Linear(84, num_classes)
        )
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.classifier(self.flatten(self.features(x)))
        return logits


@torch.no_grad()
def _flat_size(features: nn.Module, in_channels: int, image_size: int) -> int:
    """Return what one image becomes; measured, for a pooling may keep the shape."""
    blank = torch.zeros(1, in_channels, image_size, image_size)
    size: int = features.eval()(blank).numel()
    features.train()
    return size
