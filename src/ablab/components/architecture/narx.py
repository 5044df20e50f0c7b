"""NARX: a recurrent network that feeds back its outputs."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablab.components import parts
from ablab.components.architecture.sequence import Scan, check_choice, check_count

READOUTS = ("last", "average")


class NARX(nn.Module):
    """Nonlinear autoregression with exogenous inputs: only outputs are fed back.

    y(t) = V f(W [u(t-p), ..., u(t)] + U [y(t-q), ..., y(t-1)] + b) + c, with u the scanned image,
    y the K outputs, and both tapped delay lines empty (zero) before the first step. There is no
    hidden state: what the network remembers of the past is p inputs and q times K outputs.

    The logits of a sequence are y(T), the output after the last step, as in Lin's latching and
    grammar tasks (readout ``last``), or the mean of y(t) (``average``, ours). The error is
    back-propagated through all steps; past outputs are never replaced by targets (teacher forcing),
    since there is only one class for the whole image.

    Args:
        in_channels: planes of an image, >= 1.
        num_classes: K, >= 1.
        image_size: H and W of an image, in pixels, >= 1.
        activation: builder of f.
        pooling: builder, never called: there are no maps.
        normalization: builder, never called: the sources have none.
        dropout: builder, after f; a new mask in each step.
        read: order of the scan: rows, columns or pixels.
        hidden: units of the hidden layer, >= 1.
        input_delays: p, >= 0.
        output_delays: q, >= 1.
        readout: last or average.

    Raises:
        ValueError: an option is unknown or out of its range.

    Source: Lin, Horne, Tino and Giles 1996, Learning long-term dependencies in NARX recurrent
        neural networks; Siegelmann, Horne and Giles 1997, whose perceptron has one hidden layer and
        linear outputs. Ours: K outputs for their one, and dropout.
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
        hidden: int,
        input_delays: int,
        output_delays: int,
        readout: str,
    ) -> None:
        super().__init__()
        check_choice("readout", READOUTS, readout)
        check_count("hidden", hidden)
        check_count("input_delays", input_delays, least=0)
        check_count("output_delays", output_delays)
        self.scan = Scan(read, in_channels, image_size)
        self.input_delays, self.output_delays, self.readout = input_delays, output_delays, readout
        self.input = nn.Conv1d(self.scan.features, hidden, input_delays + 1)
        self.feedback = nn.Linear(output_delays * num_classes, hidden, bias=False)
        self.activation, self.dropout = activation(hidden), parts.dropout_at("units", dropout)
        self.output = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of images (N, C, H, W)."""
        outputs = self.outputs(self.scan(x))
        return outputs[:, -1] if self.readout == "last" else outputs.mean(1)

    def outputs(self, u: Tensor) -> Tensor:
        """Return y, (N, T, K), of sequences (N, T, F)."""
        past = F.pad(u.transpose(1, 2), (self.input_delays, 0))
        driven = self.input(past).unbind(2)
        empty = driven[0].new_zeros(u.shape[0], self.output.out_features)
        taps = [empty] * self.output_delays
        for drive in driven:
            delayed = torch.cat(taps[-self.output_delays :], 1)
            state = self.dropout(self.activation(drive + self.feedback(delayed)))
            taps.append(self.output(state))
        return torch.stack(taps[self.output_delays :], 1)
