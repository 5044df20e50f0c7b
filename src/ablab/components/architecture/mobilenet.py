"""MobileNet, the depthwise-separable network."""

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import LARGEST_SMALL_IMAGE

# Channels and stride of each separable convolution.
SEPARABLE = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)


class MobileNet(nn.Module):
    """A convolution, thirteen depthwise-separable ones, global average, one linear layer.

    Each separable convolution is a depthwise 3x3, normalization, activation, 1x1, normalization,
    activation. With batch normalization, width 1 and three planes it has 4,231,976 parameters for
    1000 classes. The first convolution keeps the size of images up to 64 pixels and halves larger
    ones.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 1.
        activation: builder.
        pooling: builder, never called: strides reduce the size.
        normalization: builder.
        dropout: builder; of units before the linear layer, of maps after each separable
            convolution.
        width: factor of all channels, > 0; the source's alpha.

    Raises:
        ValueError: ``width`` is not positive.

    Source: Howard et al. 2017, arXiv:1704.04861, table 1; ours: the first stride of small images.
    Faithful to timm's code with ``activation=relu`` and ``normalization=batch``; timm's own
    activation is ReLU6.
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
        width: float,
    ) -> None:
        super().__init__()
        if width <= 0:
            raise ValueError(f"width must be > 0, got {width}")

        def unit(
            inputs: int, outputs: int, size: int, stride: int, groups: int = 1
        ) -> list[nn.Module]:
            after = parts.norm_act(outputs, 2, activation, normalization)
            bias = parts.needs_bias(after[0])
            padding = size // 2
            conv = nn.Conv2d(inputs, outputs, size, stride, padding, groups=groups, bias=bias)
            return [conv, *after]

        channels = max(1, int(32 * width))
        layers = unit(in_channels, channels, 3, 1 if image_size <= LARGEST_SMALL_IMAGE else 2)
        for full, stride in SEPARABLE:
            outputs = max(1, int(full * width))
            layers += unit(channels, channels, 3, stride, groups=channels)
            layers += [*unit(channels, outputs, 1, 1), parts.dropout_at("maps", dropout)]
            channels = outputs
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), parts.dropout_at("units", dropout)),
            nn.Linear(channels, num_classes),
        )
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.head(self.features(x))
        return logits
