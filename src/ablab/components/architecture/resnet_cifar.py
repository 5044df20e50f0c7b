"""The thin residual networks for small images, of any depth 6n + 2."""

from ablab.components import parts
from ablab.components.architecture.resnet import ResNet
from ablab.components.architecture.resnet_block import Shortcut


def resnet_cifar(
    in_channels: int,
    num_classes: int,
    image_size: int,
    *,
    activation: parts.Activation,
    pooling: parts.Pooling,
    normalization: parts.Normalization,
    dropout: parts.Dropout,
    depth: int,
    shortcut: Shortcut,
) -> ResNet:
    """Return a residual network of three stages of 16, 32 and 64 channels.

    With padded shortcuts, batch normalization, three planes and 10 classes, depths 20, 56 and 110
    have 269,722, 853,018 and 1,727,962 parameters (the source: 0.27, 0.85 and 1.7 M), and so have
    the plain networks, since padded shortcuts have no parameters.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels; any.
        activation: builder.
        pooling: builder, used for images above 64 pixels alone.
        normalization: builder.
        dropout: builder.
        depth: layers with weights, without shortcuts: 6n + 2 for n >= 1 blocks per stage.
        shortcut: ``"padded"``, the source's option A, ``"projected"``, its option B, or ``"none"``,
            the plain network.

    Raises:
        ValueError: ``depth`` is not such a number.

    Source: He et al. 2016, arXiv:1512.03385, section 4.2; ours: the stem for large images.
    """
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth must be 6n + 2 for n >= 1, got {depth}")
    return ResNet(
        in_channels,
        num_classes,
        image_size,
        activation=activation,
        pooling=pooling,
        normalization=normalization,
        dropout=dropout,
        blocks=[(depth - 2) // 6] * 3,
        width=16,
        block="basic",
        shortcut=shortcut,
    )
