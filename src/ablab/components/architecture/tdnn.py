"""The time-delay neural network: one-dimensional convolution over the steps of an image."""

from collections.abc import Sequence
from math import isqrt

from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.sequence import (
    Scan,
    check_choice,
    check_count,
    mean_and_deviation,
)

READOUTS = ("average", "statistics")


class TDNN(nn.Module):
    """Convolutions over a step and its delays, pooled over time.

    Each layer is a valid convolution over delay + 1 steps, normalization, activation and, where it
    acts on maps, dropout. The readout discards the position in the sequence, which makes the
    network shift invariant, the aim of the source.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels; it must have more steps than the delays' sum.
        activation: builder.
        pooling: builder, never called: the readout pools over all time.
        normalization: builder.
        dropout: builder, after each layer (maps), before the linear layer (units).
        read: order of the scan: rows, columns or pixels.
        channels: units of each layer, each >= 1.
        delays: of each layer, each >= 0.
        readout: ``average`` over time, or ``statistics``: mean and standard deviation.

    Raises:
        ValueError: an option is unknown or out of its range, or the image has too few steps.

    Source: Waibel et al. 1989, Phoneme recognition using time-delay neural networks: two layers of
        delays 2 and 4, then the evidence for each class, summed over time; a linear layer commutes
        with the mean. Statistics: Snyder et al. 2018. Ours: widths, the mean of the evidence
        instead of the sum of its squares, and the components of the builders.
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
        delays: Sequence[int],
        readout: str,
    ) -> None:
        super().__init__()
        check_choice("readout", READOUTS, readout)
        if not channels or len(channels) != len(delays):
            raise ValueError(
                f"delays must be one for each of the channels {list(channels)}, got {list(delays)}"
            )
        for outputs, delay in zip(channels, delays, strict=True):
            check_count("channels", outputs)
            check_count("delays", delay, least=0)
        self.scan = Scan(read, in_channels, image_size)
        if self.scan.length <= sum(delays):
            least = (isqrt(sum(delays)) if read == "pixels" else sum(delays)) + 1
            raise ValueError(
                f"dataset.image_size must be at least {least} for {sum(delays)} delays, "
                f"got {image_size}"
            )
        layers: list[nn.Module] = []
        inputs = self.scan.features
        for outputs, delay in zip(channels, delays, strict=True):
            layers.append(nn.Conv1d(inputs, outputs, delay + 1))
            layers += parts.norm_act(outputs, 1, activation, normalization)
            layers.append(parts.dropout_at("maps", dropout))
            inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.statistics = readout == "statistics"
        self.dropout = parts.dropout_at("units", dropout)
        self.head = nn.Linear(2 * inputs if self.statistics else inputs, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        states = self.layers(self.scan(x).transpose(1, 2))
        pooled = mean_and_deviation(states) if self.statistics else states.mean(2)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits
