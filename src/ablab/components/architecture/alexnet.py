"""AlexNet."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import LARGEST_SMALL_IMAGE
from ablab.components.architecture.shape import check_widths, shape_after

MIN_IMAGE_SIZE = 28


class AlexNet(nn.Module):
    """Five convolutions, three of them pooled, and fully connected layers.

    The original has overlapping poolings (3x3, stride 2), two groups in the second, fourth and
    fifth convolution, and ``normalization=local_response`` in the first two: 60,965,224
    parameters for 1000 classes, 62,378,344 with one group. For images up to 64 pixels the first
    convolution is padded by 5 and poolings are 2x2; at 32 pixels ``alexnet_cifar`` is the network
    of bearpaw (2,472,266 parameters for 10 classes). The first convolution pads images of 28
    pixels to 32.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 28; 227 in the source.
        activation: builder.
        pooling: builder.
        normalization: builder; its ``placement`` decides its position.
        dropout: builder; of units after the hidden layers, or before the last layer if there are
            none; of maps after the poolings.
        channels: maps of the five convolutions, each >= 1.
        groups: of the second, fourth and fifth convolution, >= 1, a divisor of ``channels``.
        normalized: number of convolutions, from the first, with a normalization, 0 to 5.
        hidden: units of each hidden layer, each >= 1.

    Raises:
        ValueError: a value is out of its range.

    Source: Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural
    networks. The paper says 224 pixels, but its sizes require 227: with 224 the first convolution
    is padded by 2. The version for small images is that of bearpaw/pytorch-classification.
    Faithful to torchvision's code, a different network, with
    ``architecture.channels=[64,192,384,256,256]``, ``architecture.groups=1``,
    ``architecture.normalized=0``, ``activation=relu`` and ``pooling=max``; its dropout is before
    each hidden layer, not after it.
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
        groups: int,
        normalized: int,
        hidden: Sequence[int],
    ) -> None:
        super().__init__()
        _check(image_size, channels, groups, normalized)
        small = image_size <= LARGEST_SMALL_IMAGE
        kernels, split = (11, 5, 3, 3, 3), (1, groups, 1, groups, groups)
        layers: list[nn.Module] = []
        inputs = in_channels
        for index, (outputs, size, by) in enumerate(zip(channels, kernels, split, strict=True)):
            stride, padding = (4, _padding(image_size)) if index == 0 else (1, size // 2)
            layers.append(nn.Conv2d(inputs, outputs, size, stride, padding, groups=by))
            if index < normalized:
                layers += parts.norm_act(outputs, 2, activation, normalization)
            else:
                layers.append(activation(outputs))
            if index in (0, 1, 4):
                layers.append(pooling(outputs, 2, 2) if small else pooling(outputs, 3, 2))
                layers.append(parts.dropout_at("maps", dropout))
            inputs = outputs
        self.features = nn.Sequential(*layers)
        width = torch.Size(shape_after(self.features, in_channels, image_size)).numel()
        head: list[nn.Module] = [nn.Flatten()]
        for units in check_widths("hidden", hidden):
            head += [nn.Linear(width, units), activation(units)]
            head += [parts.dropout_at("units", dropout)]
            width = units
        if not hidden:
            head.append(parts.dropout_at("units", dropout))
        self.classifier = nn.Sequential(*head, nn.Linear(width, num_classes))
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.classifier(self.features(x))
        return logits


def _padding(image_size: int) -> int:
    """Return the padding of the first convolution, in pixels."""
    if image_size == 28:
        return 7
    if image_size <= LARGEST_SMALL_IMAGE:
        return 5
    return 0 if image_size == 227 else 2


def _check(image_size: int, channels: Sequence[int], groups: int, normalized: int) -> None:
    if image_size < MIN_IMAGE_SIZE:
        raise ValueError(f"dataset.image_size must be at least {MIN_IMAGE_SIZE}, got {image_size}")
    if len(check_widths("channels", channels)) != 5:
        raise ValueError(f"channels must be five numbers, got {list(channels)}")
    if groups < 1 or any(count % groups for count in channels):
        raise ValueError(f"groups must be a divisor of {list(channels)}, got {groups}")
    if not 0 <= normalized <= 5:
        raise ValueError(f"normalized must be in [0, 5], got {normalized}")
