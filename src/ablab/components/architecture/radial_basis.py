"""LeNet-5's output layer."""

import torch
from torch import Tensor, nn


class RadialBasis(nn.Module):
    """The negative squared distance of the inputs to a fixed code of +1 and -1 for each class.

    The cross entropy of these logits is the paper's criterion (9) without the constant exp(-j), the
    limit of infinite j. All codes have the same norm, so that for a softmax this is a fixed linear
    layer, 2 w x.

    Args:
        num_inputs: input units, >= 1; 84 in LeNet-5.
        num_classes: K, >= 1.

    Source: LeCun et al. 1998, section II-B, equation 7, negated. Ours: random codes, the same for
    all seeds, which the paper mentions as an alternative to its 7 x 12 bitmaps of characters; those
    exist for ASCII characters only.
    """

    def __init__(self, num_inputs: int, num_classes: int) -> None:
        super().__init__()
        device = torch.empty(0).device  # the default device: meta in a dry build
        generator = torch.Generator("cpu").manual_seed(1998)
        bits = torch.randint(2, (num_classes, num_inputs), generator=generator, device="cpu")
        self.register_buffer("codes", (2.0 * bits - 1).to(device))

    codes: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, K), each <= 0 up to rounding, of (N, num_inputs)."""
        lengths = x.square().sum(1, keepdim=True) + self.codes.shape[1]
        return 2 * (x @ self.codes.to(x.dtype).T) - lengths
