"""The multilayer perceptron."""

from collections.abc import Sequence

from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.shape import check_widths


class MLP(nn.Module):
    """Fully connected layers over the flattened image.

    Each hidden layer is linear, normalization, activation, dropout; normalization follows the
    activation if its placement is 'after'. There is no pooling.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 1.
        activation: builder.
        pooling: builder, never called.
        normalization: builder.
        dropout: builder.
        widths: units of each hidden layer, each >= 1; an empty list is logistic regression.

    Raises:
        ValueError: a width is not a positive integer.

    Source: Rumelhart et al. 1986; [300] is the MLP of LeCun et al. 1998, section III-C.4.
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
        widths: Sequence[int],
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = in_channels * image_size**2
        for width in check_widths("widths", widths):
            layers.append(nn.Linear(inputs, width))
            layers += parts.norm_act(width, 0, activation, normalization)
            layers.append(parts.dropout_at("units", dropout))
            inputs = width
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.layers(x)
        return logits
