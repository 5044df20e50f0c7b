"""A custom architecture."""

from torch import Tensor, nn

from ablab.components import parts


class Mine(nn.Module):
    """Two convolutions, each activated and pooled, and a linear layer on the maps' means.

    An ``__init__(self, num_classes)`` is enough: a network gets the arguments in its signature.
    Layers that it builds without a builder cannot be changed by an ablation of their axis.

    Args:
        in_channels: planes of an image.
        num_classes: K.
        activation: builder.
        pooling: builder.
        channels: maps of the first layer, >= 1; the second has twice as many.

    Raises:
        ValueError: ``channels`` is out of its range.

    Source: ours; state the source here.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        activation: parts.Activation,
        pooling: parts.Pooling,
        channels: int,
    ) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels must be >= 1, got {channels}")
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, channels, kernel_size=3, padding=1),
            activation(channels),
            pooling(channels),
            nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1),
            activation(2 * channels),
            pooling(2 * channels),
        )
        self.head = nn.Linear(2 * channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.head(self.layers(x).mean((2, 3)))
        return logits
