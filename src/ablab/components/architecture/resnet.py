"""Residual networks and their plain counterparts."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import Following
from ablab.components.architecture.resnet_block import Block, Shortcut
from ablab.components.architecture.stem import stem


class ResNet(nn.Module):
    """A stem, stages of residual blocks, global average, one linear layer.

    Each stage after the first doubles the channels and halves the map. The stem is a 3x3
    convolution, for images above 64 pixels 7x7 of stride 2 and a pooling. With batch
    normalization and 1000 classes of large images ResNet-18, 34 and 50 have 11,689,512, 21,797,672
    and 25,557,032 parameters; for 10 classes of small ones ResNet-18 has 11,173,962.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels; any, since the head is a global average.
        activation: builder.
        pooling: builder, used in the stem for large images alone.
        normalization: builder.
        dropout: builder; on units before the linear layer, on maps before each block's last
            convolution, on branches where there are shortcuts.
        blocks: residual blocks in each stage, each >= 1.
        width: channels of the first stage's 3x3 convolutions, >= 1.
        block: ``"basic"``, two 3x3 convolutions, or ``"bottleneck"``, 1x1, 3x3, 1x1, with four
            times as many channels outside.
        shortcut: where the shape changes: ``"projected"``, a 1x1 convolution (the source's option
            B), or ``"padded"``, zeros for new channels (A); ``"none"``: the plain network, without
            any shortcut.

    Raises:
        ValueError: a number of blocks or the width is not a positive integer, or there is no block.

    Source: He et al. 2016, arXiv:1512.03385, table 1; the stem for small images is that of its
    CIFAR networks. Ours: see `ablab.components.architecture.resnet_block.Block`. Faithful to
    torchvision's code with ``activation=relu``, ``pooling=max`` and ``normalization=batch``.
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
        width: int,
        block: Literal["basic", "bottleneck"],
        shortcut: Shortcut,
    ) -> None:
        super().__init__()
        if not blocks or not all(isinstance(count, int) and count >= 1 for count in blocks):
            raise ValueError(f"blocks must be positive integers, got {list(blocks)}")
        if width < 1:
            raise ValueError(f"width must be >= 1, got {width}")
        following = Following(activation=activation, normalization=normalization)
        self.stem = stem(in_channels, width, image_size, pooling=pooling, **following)
        stages: list[nn.Module] = []
        channels, total = width, sum(blocks)
        for stage, count in enumerate(blocks):
            inner = width * 2**stage
            outputs = inner * 4 if block == "bottleneck" else inner
            for index in range(count):
                stages.append(
                    Block(
                        channels,
                        outputs,
                        stride=2 if stage > 0 and index == 0 else 1,
                        depth=(len(stages) + 1) / total,
                        inner=inner if block == "bottleneck" else None,
                        shortcut=shortcut,
                        dropout=dropout,
                        **following,
                    )
                )
                channels = outputs
        self.stages = nn.Sequential(*stages)
        units = parts.dropout_at("units", dropout)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), units, nn.Linear(channels, num_classes)
        )
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.head(self.stages(self.stem(x)))
        return logits
