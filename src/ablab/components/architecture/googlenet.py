"""GoogLeNet: nine inception modules."""

from functools import partial

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.auxiliary_head import AUXILIARY_WEIGHT, AuxiliaryHead
from ablab.components.architecture.conv_unit import LARGEST_SMALL_IMAGE, Following, scaled
from ablab.components.architecture.inception_module import Bottleneck, Five, Inception, reduction
from ablab.components.architecture.stem import stem

# Channels of: 1x1; 3x3 reduction, 3x3; 5x5 reduction, 5x5; pooling's 1x1 (table 1, 3a to 5b)
_WIDTHS = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        *((192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64)),
        *((128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64)),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
_AUXILIARY_AFTER = (2, 5)  # 4a and 4d, counted from 3a


class GoogLeNet(nn.Module):
    """A stem, nine inception modules in three stages with poolings in between, a linear layer.

    For 1000 classes of large images it has 6,998,552 parameters without normalization and
    7,005,832 with batch normalization, 6,624,904 with 3x3 instead of 5x5. Images up to 64 pixels
    keep their size up to the second stage: no stride and no pooling before it.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels; any, since the heads average.
        activation: builder.
        pooling: builder, in each module's fourth branch and wherever the source pools (max there).
        normalization: builder.
        dropout: builder; on units before the linear layer, and the auxiliary heads' second ones.
        five: the third branch: ``"5x5"``, ``"two_3x3"``, or ``"3x3"``, as in widely used code by
            mistake.
        bottleneck: the 1x1 convolutions before 3x3 and 5x5: ``"activated"``, ``"linear"``
            (normalized, without activation), or ``"none"`` (the naive module, but with the 1x1
            convolution in its fourth branch).
        width: factor of all channels but the auxiliary heads', > 0.
        auxiliary: add classifiers after 4a and 4d during training; their losses are weighted by
            ``auxiliary_weight``.

    Raises:
        ValueError: ``width`` is not positive.

    Source: Szegedy et al. 2015, arXiv:1409.4842, table 1. Ours: no built-in local response
    normalization, a padding of one pixel where the source rounds pooled sizes up (the sizes agree),
    adaptive average pooling to 4x4 in the auxiliary heads, the stem for small images, and the
    options. Faithful to torchvision's code with ``architecture.five=3x3``, ``activation=relu``,
    ``pooling=max``, ``normalization=batch`` and ``normalization.eps=1e-3``, except for the
    poolings' padding: that code rounds up, and its last pooling is 2x2. Its dropout is 0.2 before
    the linear layer and 0.7 in the auxiliary heads (0.4 and 0.7 in the paper); here all units have
    one rate.
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
        five: Five,
        bottleneck: Bottleneck,
        width: float,
        auxiliary: bool,
    ) -> None:
        super().__init__()
        following = Following(activation=activation, normalization=normalization)
        narrow, channels = scaled((64, 192), width)
        first = stem(in_channels, narrow, image_size, pooling=pooling, **following)
        last = reduction(narrow, narrow, channels, [3], bottleneck=bottleneck, following=following)
        self.stem = nn.Sequential(*first, *last)
        build = partial(
            Inception, five=five, bottleneck=bottleneck, pooling=pooling, following=following
        )
        modules: list[nn.Module] = []
        widths_after: dict[int, int] = {}
        for stage, stage_widths in enumerate(_WIDTHS):
            pools = stage > 0 or image_size > LARGEST_SMALL_IMAGE
            for index, widths in enumerate(stage_widths):
                before = [pooling(channels, 3, 2, 1)] if pools and index == 0 else []
                module = build(channels, scaled(widths, width))
                channels = widths_after[len(modules)] = module.outputs
                modules.append(nn.Sequential(*before, module))
        self.inception = nn.ModuleList(modules)
        units = parts.dropout_at("units", dropout)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), units, nn.Linear(channels, num_classes)
        )
        # Built last, so that they do not change the initial weights of the other layers.
        self.auxiliary = nn.ModuleDict()
        for index in _AUXILIARY_AFTER if auxiliary else ():
            head = AuxiliaryHead(widths_after[index], num_classes, dropout, following)
            self.auxiliary[str(index)] = head
        if auxiliary:
            self.auxiliary_weight = AUXILIARY_WEIGHT
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return logits (N, K) of images (N, C, H, W); in training also the auxiliary logits."""
        x = self.stem(x)
        auxiliary: list[Tensor] = []
        for index, module in enumerate(self.inception):
            x = module(x)
            if self.training and str(index) in self.auxiliary:
                auxiliary.append(self.auxiliary[str(index)](x))
        logits: Tensor = self.head(x)
        return (logits, *auxiliary) if auxiliary else logits
