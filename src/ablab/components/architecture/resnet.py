"""Residual networks with the stem for small images."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ablab.components import parts


def conv_norm(
    inputs: int, outputs: int, kernel_size: int, stride: int, normalization: parts.Normalization
) -> nn.Sequential:
    """Return a same-padded convolution and its normalization, whose shift is the only bias.

    Where there is no normalization the convolution has a bias, so that 'none' loses no shift.
    """
    norm = normalization(outputs, 2)
    bias = isinstance(norm, nn.Identity)
    conv = nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, bias=bias)
    return nn.Sequential(conv, norm)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut, which is projected where the shape changes."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int,
        activation: parts.Activation,
        normalization: parts.Normalization,
    ) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            conv_norm(inputs, outputs, 3, stride, normalization),
            activation(outputs),
            conv_norm(outputs, outputs, 3, 1, normalization),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = (
            nn.Identity() if same else conv_norm(inputs, outputs, 1, stride, normalization)
        )
        self.activation = activation(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, ceil(H / stride), ceil(W / stride))."""
        out: Tensor = self.activation(self.residual(x) + self.shortcut(x))
        return out


class ResNet(nn.Module):
    """A 3x3 stem without pooling, stages of residual blocks, global average, one linear layer.

    Each stage doubles the channels, from 64, and every stage but the first halves the image. With
    batch normalization, three planes and [2, 2, 2, 2] it has 11,173,962 parameters for 10 classes.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels; any, for the head is a global average.
        activation: builder.
        pooling: builder, never called: strides do its work.
        normalization: builder.
        dropout: builder, before the linear layer.
        blocks: residual blocks in each stage, each >= 1.

    Raises:
        ValueError: a number of blocks is no positive integer, or there is none.

    Source: He et al. 2016, arXiv:1512.03385, table 1; the stem is that of its CIFAR networks.
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
        blocks: Sequence[int],
    ) -> None:
        super().__init__()
        if not blocks or not all(isinstance(count, int) and count >= 1 for count in blocks):
            raise ValueError(f"blocks must be positive integers, got {list(blocks)}")
        self.stem = nn.Sequential(conv_norm(in_channels, 64, 3, 1, normalization), activation(64))
        shapes = [
            (64 * 2**stage, 2 if stage > 0 and index == 0 else 1)
            for stage, count in enumerate(blocks)
            for index in range(count)
        ]
        stages: list[nn.Module] = []
        channels = 64
        for outputs, stride in shapes:
            stages.append(BasicBlock(channels, outputs, stride, activation, normalization))
            channels = outputs
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), dropout(), nn.Linear(channels, num_classes)
        )
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.head(self.stages(self.stem(x)))
        return logits
