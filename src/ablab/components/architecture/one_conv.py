"""The network with one convolution whose mathematics the S3 notes derive."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.shape import check_widths, shape_after


class OneConv(nn.Module):
    """A padded 3x3 convolution of stride 1, pooled, and fully connected layers.

    Color images are averaged to gray. The K outputs are logits; their sigmoid is a part of
    ``loss=binary_cross_entropy``, with which the network equals the source's. The order is layer,
    normalization, activation, pooling or dropout.

    Args:
        in_channels: planes of an image, >= 1, averaged into one.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 2.
        activation: builder; ReLU in the source.
        pooling: builder; 2x2 maximum in the source.
        normalization: builder; none in the source.
        dropout: builder; of units after the hidden layers, of maps after the pooling.
        channels: maps of the convolution, >= 1.
        widths: units of each hidden layer, each >= 1.

    Raises:
        ValueError: a size is not a positive integer, or the image is too small to pool.

    Source: arXiv:1711.03278, the basis of the S3 notes; ours: the sizes, and the components of the
    builders.
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
        channels: int,
        widths: Sequence[int],
    ) -> None:
        super().__init__()
        check_widths("channels", channels)
        if image_size < 2:
            raise ValueError(f"dataset.image_size must be at least 2, got {image_size}")
        self.is_color = in_channels > 1
        self.features = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=3, padding=1),
            *parts.norm_act(channels, 2, activation, normalization),
            *(pooling(channels), parts.dropout_at("maps", dropout)),
        )
        inputs = torch.Size(shape_after(self.features, 1, image_size)).numel()
        layers: list[nn.Module] = [nn.Flatten()]
        for width in check_widths("widths", widths):
            layers += [nn.Linear(inputs, width)]
            layers += parts.norm_act(width, 0, activation, normalization)
            layers += [parts.dropout_at("units", dropout)]
            inputs = width
        self.classifier = nn.Sequential(*layers, nn.Linear(inputs, num_classes))
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        gray = x.mean(1, keepdim=True) if self.is_color else x
        logits: Tensor = self.classifier(self.features(gray))
        return logits
