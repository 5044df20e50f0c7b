"""Wide residual networks."""

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import Following
from ablab.components.architecture.pre_activation import pre_stem
from ablab.components.architecture.wide_resnet_block import WideBlock


class WideResNet(nn.Module):
    """A stem of 16 channels, three stages of wide pre-activated blocks, and a linear layer.

    WRN-28-10 has 36,479,194 parameters with batch normalization, three planes and 10 classes.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels; any.
        activation: builder.
        pooling: builder, used in the stem for images above 64 pixels alone.
        normalization: builder.
        dropout: builder; ordinary and spatial dropout act between a block's two convolutions, as in
            the source, stochastic depth on its branch; none before the linear layer.
        depth: number of convolutions, including three shortcuts: 6n + 4 for n >= 1 blocks per
            stage.
        width: factor of the channels 16, 32 and 64, >= 1.

    Raises:
        ValueError: ``depth`` is not such a number, or the width is below 1.

    Source: Zagoruyko and Komodakis 2016, arXiv:1605.07146, table 1; ours: the stem for large images
    (that of He et al. 2016).
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
        width: int,
    ) -> None:
        super().__init__()
        if depth < 10 or depth % 6 != 4:
            raise ValueError(f"depth must be 6n + 4 for n >= 1, got {depth}")
        if width < 1:
            raise ValueError(f"width must be >= 1, got {width}")
        following = Following(activation=activation, normalization=normalization)
        count = (depth - 4) // 6
        channels = 16
        self.stem = pre_stem(in_channels, channels, image_size, pooling, following)
        blocks: list[nn.Module] = []
        for index in range(3 * count):
            stage, position = divmod(index, count)
            outputs, stride = 16 * 2**stage * width, 2 if stage > 0 and position == 0 else 1
            at = (index + 1) / (3 * count)
            block = WideBlock(
                channels, outputs, stride, depth=at, dropout=dropout, following=following
            )
            blocks.append(block)
            channels = outputs
        self.stages = nn.Sequential(*blocks)
        last = parts.norm_act(channels, 2, activation, normalization)
        linear = nn.Linear(channels, num_classes)
        self.head = nn.Sequential(*last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.head(self.stages(self.stem(x)))
        return logits
