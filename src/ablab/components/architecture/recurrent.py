"""Recurrent networks that read an image as a sequence: SRN, LSTM and GRU."""

import torch
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.sequence import Layer, Scan, check_choice, check_count
from ablab.components.architecture.srn import SimpleRecurrent

CELLS = ("srn", "lstm", "gru")
READOUTS = ("last", "average")


class Recurrent(nn.Module):
    """Recurrent layers over the steps of an image, a readout, one linear layer.

    The readout ``last`` is the state after the last step, in each direction; ``average`` is the
    mean state over time. Dropout is between layers and before the linear layer, not on the
    recurrent connections (Zaremba et al. 2014, arXiv:1409.2329). Between layers a map is a unit at
    all times, which spatial dropout drops as a whole; with one layer it has no site.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 1.
        activation: builder, for the cell ``srn`` alone: those of LSTM and GRU are fixed.
        pooling: builder, never called: there are no maps.
        normalization: builder, never called: the sources have none.
        dropout: builder.
        cell: ``srn`` (Elman 1990), ``lstm`` (torch's ``nn.LSTM``) or ``gru`` (``nn.GRU``).
        read: order of the scan: rows, columns or pixels.
        hidden: units per layer and direction, >= 1.
        layers: number of layers, >= 1.
        bidirectional: add cells that read the sequence backwards.
        readout: last or average.

    Raises:
        ValueError: an option is unknown or out of its range.

    Source: Elman 1990; Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000;
        Cho et al. 2014, arXiv:1406.1078, in cuDNN's version, which resets after the product;
        bidirectional: Schuster and Paliwal 1997. Images as sequences: common in tutorials.
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
        cell: str,
        read: str,
        hidden: int,
        layers: int,
        bidirectional: bool,
        readout: str,
    ) -> None:
        super().__init__()
        check_choice("cell", CELLS, cell)
        check_choice("readout", READOUTS, readout)
        check_count("hidden", hidden)
        check_count("layers", layers)
        self.scan = Scan(read, in_channels, image_size)
        self.readout, self.hidden = readout, hidden

        def recurrent(features: int) -> nn.Module:
            if cell == "srn":
                return SimpleRecurrent(features, hidden, activation)
            layer = nn.LSTM if cell == "lstm" else nn.GRU
            return layer(features, hidden, batch_first=True)

        width = hidden * (2 if bidirectional else 1)
        inputs = [self.scan.features] + [width] * (layers - 1)
        self.layers = nn.ModuleList(
            Layer([recurrent(features) for _ in range(width // hidden)]) for features in inputs
        )
        self.between = nn.ModuleList(
            nn.Sequential(*(parts.dropout_at(site, dropout) for site in ("maps", "units")))
            for _ in inputs[1:]
        )
        self.dropout = parts.dropout_at("units", dropout)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        states = self.layers[0](self.scan(x))
        for layer, dropout in zip(self.layers[1:], self.between, strict=True):
            states = layer(dropout(states.transpose(1, 2)).transpose(1, 2))
        logits: Tensor = self.head(self.dropout(self._read_out(states)))
        return logits

    def _read_out(self, states: Tensor) -> Tensor:
        """Return the readout (N, D H) of the states (N, T, D H)."""
        if self.readout == "average":
            return states.mean(1)
        if states.shape[2] == self.hidden:  # one direction
            return states[:, -1]
        return torch.cat([states[:, -1, : self.hidden], states[:, 0, self.hidden :]], 1)
