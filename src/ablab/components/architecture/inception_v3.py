"""Inception v3."""

from functools import partial

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.auxiliary_head import AUXILIARY_WEIGHT, single_conv_head
from ablab.components.architecture.conv_unit import LARGEST_SMALL_IMAGE, Following, conv_unit
from ablab.components.architecture.inception_v3_modules import (
    factorized_module,
    first_module,
    reduction,
    second_reduction,
    wide_module,
)

LEAST_SMALL, LEAST_LARGE = 7, 75  # pixels: one is left for the last module


class InceptionV3(nn.Module):
    """A stem of six layers, eleven modules of factorized convolutions, and a linear layer.

    For 1000 classes of large images it has 27,161,264 parameters with batch normalization and its
    auxiliary head, 23,834,568 without that head. Images up to 64 pixels keep their size up to the
    first reduction: the stem has no strides and no poolings, and all its convolutions are padded.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels: 7 to 64, or >= 75; 299 in the source.
        activation: builder.
        pooling: builder, in the modules' branches of stride 1, mean in the source; poolings of
            stride 2 are always max, as in the source.
        normalization: builder.
        dropout: builder; on units before the linear layer.
        auxiliary: add a classifier after the second stage during training; its loss is weighted by
            ``auxiliary_weight``.

    Raises:
        ValueError: ``image_size`` is out of its range.

    Source: Szegedy et al. 2016, arXiv:1512.00567, table 1, in the version of its authors' code and
    torchvision: 5x5 in the first modules, 35, 17 and 8 pixels. Ours: the stem for small images,
    adaptive average pooling to 5x5 in the auxiliary head, and the weight of its loss, 0.3 as in
    GoogLeNet. Faithful to that code with ``activation=relu``, ``normalization=batch``,
    ``normalization.eps=1e-3``, ``pooling=mean`` and ``pooling.count_include_pad=true``, since the
    source's mean counts the zeros of the padding; its dropout is ``dropout=dropout``.
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
        auxiliary: bool,
    ) -> None:
        super().__init__()
        if image_size < LEAST_SMALL or LARGEST_SMALL_IMAGE < image_size < LEAST_LARGE:
            raise ValueError(
                f"dataset.image_size must be {LEAST_SMALL} to {LARGEST_SMALL_IMAGE}, or at least "
                f"{LEAST_LARGE}, got {image_size}"
            )
        following = Following(activation=activation, normalization=normalization)
        first, factorized, wide = (
            partial(module, pooling=pooling, following=following)
            for module in (first_module, factorized_module, wide_module)
        )
        self.stem = _stem(in_channels, image_size > LARGEST_SMALL_IMAGE, following)
        self.lower = nn.Sequential(
            first(192, 32),
            first(256, 64),
            first(288, 64),
            reduction(288, following),
            *(factorized(768, width) for width in (128, 160, 160, 192)),
        )
        self.upper = nn.Sequential(second_reduction(768, following), wide(1280), wide(2048))
        units = parts.dropout_at("units", dropout)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), units, nn.Linear(2048, num_classes)
        )
        # Built last, so that it does not change the initial weights of the other layers.
        self.auxiliary = single_conv_head(num_classes, following) if auxiliary else None
        if auxiliary:
            self.auxiliary_weight = AUXILIARY_WEIGHT
        nn.utils.convert_conv2d_weight_memory_format(self, torch.channels_last)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return logits (N, K) of images (N, C, H, W); in training also the auxiliary logits."""
        x = self.lower(self.stem(x))
        logits: Tensor = self.head(self.upper(x))
        if self.training and self.auxiliary is not None:
            return logits, self.auxiliary(x)
        return logits


def _stem(in_channels: int, large: bool, following: Following) -> nn.Sequential:
    """Return six layers; strides, poolings and unpadded convolutions for large images alone."""
    unit = partial(conv_unit, **following)
    stride, border = (2, 0) if large else (1, 1)
    pool = [nn.MaxPool2d(3, stride=2)] if large else []
    return nn.Sequential(
        unit(in_channels, 32, 3, stride, padding=border),
        unit(32, 32, 3, padding=border),
        unit(32, 64, 3),
        *pool,
        unit(64, 80, 1),
        unit(80, 192, 3, padding=border),
        *pool,
    )
