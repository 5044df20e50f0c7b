"""The auxiliary classifiers of GoogLeNet and of Inception v3."""

from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.conv_unit import Following, conv_unit

AUXILIARY_WEIGHT = 0.3  # of each auxiliary loss, the source's


class AuxiliaryHead(nn.Module):
    """Average pooling, a 1x1 convolution of 128 channels, 1024 units, and a linear layer.

    Args:
        channels: C of the input.
        num_classes: K, >= 1.
        dropout: builder, on the 1024 units.
        following: builders after the convolution; the activation also follows the 1024 units.

    Source: Szegedy et al. 2015, arXiv:1409.4842, section 5. Ours: adaptive average pooling to 4x4,
    as in torchvision; from 14x14 the source's 5x5 windows of stride 3 give the same size.
    """

    def __init__(
        self, channels: int, num_classes: int, dropout: parts.Dropout, following: Following
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            conv_unit(channels, 128, 1, **following),
            nn.Flatten(),
            nn.Linear(128 * 4 * 4, 1024),
            following["activation"](1024),
            parts.dropout_at("units", dropout),
            nn.Linear(1024, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of a map (N, C, H, W)."""
        logits: Tensor = self.layers(x)
        return logits


def single_conv_head(num_classes: int, following: Following) -> nn.Sequential:
    """Return Inception v3's head: average, 1x1, 5x5 over the whole map, and a linear layer.

    Normalization and activation after the 5x5 convolution act on units (N, 768).

    Args:
        num_classes: K, >= 1.
        following: builders after each convolution.

    Source: Szegedy et al. 2016, arXiv:1512.00567, figure 8, and its authors' code. Ours: adaptive
    average pooling of the 768 channels to 5x5.
    """
    norm_act = parts.norm_act(768, 0, **following)
    bias = parts.needs_bias(norm_act[0])
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(5),
        conv_unit(768, 128, 1, **following),
        nn.Conv2d(128, 768, 5, bias=bias),
        nn.Flatten(),
        *norm_act,
        nn.Linear(768, num_classes),
    )
