"""A one-dimensional convolutional network over the steps of an image."""

from collections.abc import Sequence

from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.sequence import Scan, check_choice, check_count

HEADS = ("flatten", "average")


class CNN1d(nn.Module):
    """One-dimensional convolutions over time, and one linear layer.

    Each layer is a convolution (same padding; its stride reduces T to ceil(T / stride)),
    normalization, activation and, where it acts on maps, dropout. The features of a step are fully
    connected: the network only knows the order of the steps.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 1.
        activation: builder.
        pooling: builder, never called: strides reduce the size.
        normalization: builder.
        dropout: builder, after each layer (maps), before the linear layer (units).
        read: order of the scan: rows, columns or pixels.
        channels: of each layer, each >= 1.
        kernel_size: of each layer, in steps, odd, >= 1.
        stride: of each layer, in steps, >= 1.
        head: ``flatten`` keeps the position in time, ``average`` is the mean over time.

    Raises:
        ValueError: an option is unknown or out of its range.

    Source: LeCun and Bengio 1995, Convolutional networks for images, speech, and time series; the
        architecture is ours.
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
        read: str,
        channels: Sequence[int],
        kernel_size: int,
        stride: int,
        head: str,
    ) -> None:
        super().__init__()
        check_choice("head", HEADS, head)
        check_count("kernel_size", kernel_size)
        check_count("stride", stride)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {kernel_size}")
        if not channels:
            raise ValueError("channels must be one for each layer, got []")
        self.scan = Scan(read, in_channels, image_size)
        layers: list[nn.Module] = []
        inputs, length = self.scan.features, self.scan.length
        for outputs in channels:
            check_count("channels", outputs)
            layers.append(nn.Conv1d(inputs, outputs, kernel_size, stride, kernel_size // 2))
            layers += parts.norm_act(outputs, 1, activation, normalization)
            layers.append(parts.dropout_at("maps", dropout))
            inputs, length = outputs, -(-length // stride)
        if head == "average":
            layers.append(nn.AdaptiveAvgPool1d(1))
            length = 1
        self.layers = nn.Sequential(*layers)
        units = parts.dropout_at("units", dropout)
        self.head = nn.Sequential(nn.Flatten(), units, nn.Linear(inputs * length, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.head(self.layers(self.scan(x).transpose(1, 2)))
        return logits
