"""VGG networks."""

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import LARGEST_SMALL_IMAGE
from ablab.components.architecture.shape import shape_after

CHANNELS = (64, 128, 256, 512, 512)
# Convolutions in each stage, by the number of layers that have weights: the paper's A, B, D, E.
STAGES = {11: (1, 1, 2, 2, 2), 13: (2,) * 5, 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


class VGG(nn.Module):
    """Five stages of 3x3 convolutions, each pooled, and fully connected layers.

    The head for large images has two hidden layers of 4096: 138,357,544 parameters at depth 16 for
    1000 classes of 224 pixels. For images up to 64 pixels it is one linear layer: 14,719,818
    parameters at depth 16 for 10 classes of 32 pixels. The first convolution pads images of 28
    pixels to 32.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, 28 or >= 32.
        activation: builder.
        pooling: builder.
        normalization: builder, after every convolution; none in the source.
        dropout: builder; of units after the hidden layers, or before the last layer if there are
            none; of maps after the poolings.
        depth: layers with weights, counted with the head for large images: 11, 13, 16 or 19.

    Raises:
        ValueError: the image is too small for five poolings, or the depth is unknown.

    Source: Simonyan and Zisserman 2015, arXiv:1409.1556, table 1; ours: the head for small images.
    Faithful to torchvision's code with ``activation=relu``, ``pooling=max`` and
    ``dropout=dropout``.
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
        depth: int,
    ) -> None:
        super().__init__()
        if depth not in STAGES:
            raise ValueError(f"depth must be one of {', '.join(map(str, STAGES))}, got {depth}")
        if image_size < 32 and image_size != 28:
            raise ValueError(f"dataset.image_size must be 28 or at least 32, got {image_size}")
        layers: list[nn.Module] = []
        inputs, padding = in_channels, 3 if image_size == 28 else 1
        for outputs, count in zip(CHANNELS, STAGES[depth], strict=True):
            for _ in range(count):
                layers.append(nn.Conv2d(inputs, outputs, kernel_size=3, padding=padding))
                layers += parts.norm_act(outputs, 2, activation, normalization)
                inputs, padding = outputs, 1
            layers += [pooling(outputs), parts.dropout_at("maps", dropout)]
        self.features = nn.Sequential(*layers)
        width = torch.Size(shape_after(self.features, in_channels, image_size)).numel()
        head: list[nn.Module] = [nn.Flatten()]
        if image_size > LARGEST_SMALL_IMAGE:
            for _ in range(2):
                head += [nn.Linear(width, 4096), activation(4096)]
                head += [parts.dropout_at("units", dropout)]
                width = 4096
        else:
            head.append(parts.dropout_at("units", dropout))
        self.classifier = nn.Sequential(*head, nn.Linear(width, num_classes))
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.classifier(self.features(x))
        return logits
