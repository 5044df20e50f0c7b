"""Densely connected networks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import Following, check_image_size
from ablab.components.architecture.pre_activation import pre_conv, pre_stem


class DenseLayer(nn.Module):
    """Concatenates its input with the output of pre-activated 1x1 and 3x3 convolutions.

    Spatial and ordinary dropout act on the new maps.

    Source: Huang et al. 2017, arXiv:1608.06993, section 3, DenseNet-B.
    """

    def __init__(
        self,
        inputs: int,
        growth: int,
        bottleneck: int,
        dropout: parts.Dropout,
        following: Following,
    ) -> None:
        super().__init__()
        inner = bottleneck * growth
        self.layers = nn.Sequential(
            *pre_conv(inputs, inner, 1, 1, following),
            *pre_conv(inner, growth, 3, 1, following),
            parts.dropout_at("units", dropout),
            parts.dropout_at("maps", dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, inputs + growth, H, W)."""
        return torch.cat([x, self.layers(x)], dim=1)


class DenseNet(nn.Module):
    """A stem, dense blocks with a 1x1 convolution and pooling in between, and a linear layer.

    With batch normalization and three planes DenseNet-BC of depth 100 and growth 12 has 769,162
    parameters for 10 classes of small images, DenseNet-121 has 7,978,856 for 1000 of large ones.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 2 to the number of blocks less one.
        activation: builder.
        pooling: builder, between blocks (mean in the source), and in the stem for images above 64
            pixels (max there).
        normalization: builder.
        dropout: builder; ordinary and spatial dropout act after each dense layer's last
            convolution, as in the source; the linear layer has none.
        blocks: dense layers in each block, each >= 1.
        growth: channels that a dense layer adds, >= 1; the stem has twice as many.
        bottleneck: channels of the 1x1 convolutions, in multiples of ``growth``, >= 1.
        compression: share of the channels kept between blocks, in (0, 1].

    Raises:
        ValueError: the image is too small for the poolings, or a value is out of its range.

    Source: Huang et al. 2017, arXiv:1608.06993, table 1 and section 4.2; ours: one kind of pooling,
    where the source has another one in the stem than between blocks. Faithful to torchvision's code
    except for that, with ``activation=relu``, ``pooling=mean`` and ``normalization=batch``.
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
        growth: int,
        bottleneck: int,
        compression: float,
    ) -> None:
        super().__init__()
        if not blocks or not all(isinstance(count, int) and count >= 1 for count in blocks):
            raise ValueError(f"blocks must be positive integers, got {list(blocks)}")
        if growth < 1:
            raise ValueError(f"growth must be >= 1, got {growth}")
        if bottleneck < 1:
            raise ValueError(f"bottleneck must be >= 1, got {bottleneck}")
        if not 0 < compression <= 1:
            raise ValueError(f"compression must be in (0, 1], got {compression}")
        check_image_size(2 ** (len(blocks) - 1), image_size)
        following = Following(activation=activation, normalization=normalization)
        channels = 2 * growth
        self.stem = pre_stem(in_channels, channels, image_size, pooling, following)
        layers: list[nn.Module] = []
        for index, count in enumerate(blocks):
            if index > 0:
                kept = int(channels * compression)
                layers += [*pre_conv(channels, kept, 1, 1, following), pooling(kept)]
                channels = kept
            for _ in range(count):
                layers.append(DenseLayer(channels, growth, bottleneck, dropout, following))
                channels += growth
        self.blocks = nn.Sequential(*layers)
        last = parts.norm_act(channels, 2, activation, normalization)
        linear = nn.Linear(channels, num_classes)
        self.head = nn.Sequential(*last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.head(self.blocks(self.stem(x)))
        return logits
