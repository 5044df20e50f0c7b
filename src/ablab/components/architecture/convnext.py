"""ConvNeXt: a convolutional network modeled on vision transformers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import LARGEST_SMALL_IMAGE, Following, check_image_size
from ablab.components.architecture.convnext_block import ConvNeXtBlock


class ConvNeXt(nn.Module):
    """A stem, stages of blocks, and a linear layer.

    Between stages a 2x2 convolution of stride 2 halves the map and widens it. Normalization is
    after the stem, before each such convolution, once in each block and before the linear layer.
    With layer normalization, three planes and 1000 classes of large images ConvNeXt-T has
    28,589,128 parameters.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 2 to the number of stages less one.
        activation: builder; GELU in the source.
        pooling: builder, never called: strides reduce the size.
        normalization: builder; layer normalization of each pixel's channels in the source.
        dropout: builder; on units before the linear layer, on maps between a block's 1x1
            convolutions, on branches; stochastic depth in the source.
        blocks: blocks in each stage, each >= 1.
        widths: channels of each stage, each >= 1, as many as there are stages.
        layer_scale: initial scale of each channel.

    Raises:
        ValueError: the image is too small for the strides, or a count is not a positive integer.

    Source: Liu et al. 2022, arXiv:2201.03545, table 9. Ours: a 3x3 stem of stride 1 for images up
    to 64 pixels; larger ones have 4x4 patches. Faithful to its authors' code with
    ``activation=gelu``, ``normalization=layer``, ``normalization.over=channels``,
    ``normalization.eps=1e-6``, ``dropout=stochastic_depth``, ``dropout.p=0.1`` (linear in depth: 0
    at the first branch, p at the last) and ``initializer=truncated_normal``.
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
        widths: Sequence[int],
        layer_scale: float,
    ) -> None:
        super().__init__()
        for name, counts in (("blocks", blocks), ("widths", widths)):
            if not counts or not all(isinstance(count, int) and count >= 1 for count in counts):
                raise ValueError(f"{name} must be positive integers, got {list(counts)}")
        if len(widths) != len(blocks):
            raise ValueError(f"widths must be as many as blocks, {len(blocks)}, got {list(widths)}")
        small = image_size <= LARGEST_SMALL_IMAGE
        check_image_size(2 ** (len(blocks) - 1), image_size)
        following = Following(activation=activation, normalization=normalization)
        kernel_size, stride, border = (3, 1, 1) if small else (4, 4, 0)
        patches = nn.Conv2d(in_channels, widths[0], kernel_size, stride, border)
        layers: list[nn.Module] = [patches, normalization(widths[0], 2)]
        for stage, (count, width) in enumerate(zip(blocks, widths, strict=True)):
            if stage > 0:
                before = widths[stage - 1]
                layers += [normalization(before, 2), nn.Conv2d(before, width, 2, stride=2)]
            for index in range(count):
                at = (sum(blocks[:stage]) + index) / max(1, sum(blocks) - 1)
                layers.append(
                    ConvNeXtBlock(
                        width, layer_scale, depth=at, dropout=dropout, following=following
                    )
                )
        self.stages = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            normalization(widths[-1], 0),
            parts.dropout_at("units", dropout),
            nn.Linear(widths[-1], num_classes),
        )
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.head(self.stages(x))
        return logits
