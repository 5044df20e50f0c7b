"""LeNet-5's output layer."""

import torch
from torch import Tensor, nn


class RadialBasis(nn.Module):
    """The negative squared distance of the inputs to a fixed code of +1 and -1 for each class.

    Cross entropy of these logits is the paper's criterion (9) less its constant class: exp(-j) is
    left out, j infinite. Codes have one length, so that a softmax sees a fixed linear layer, 2 w x.

    Args:
        num_inputs: units that come in, >= 1; 84 in LeNet-5.
        num_classes: K, >= 1.

    Source: LeCun et al. 1998, section II-B, equation 7, negated. Ours: codes are drawn at random,
    the same whatever the trial's seed, which the paper names as another choice than its drawings
    of the characters on 7 x 12 pixels: these are of ASCII alone, and classes may be of anything.
    """

    def __init__(self, num_inputs: int, num_classes: int) -> None:
        super().__init__()
        here = torch.empty(0).device  # a rehearsal builds elsewhere
        generator = torch.Generator("cpu").manual_seed(1998)
        bits = torch.randint(2, (num_classes, num_inputs), generator=generator, device="cpu")
        self.register_buffer("codes", (2.0 * bits - 1).to(here))

    codes: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, K), each <= 0 up to rounding, of (N, num_inputs)."""
        lengths = x.square().sum(1, keepdim=True) + self.codes.shape[1]
        return 2 * (x @ self.codes.to(x.dtype).T) - lengths
