"""The effective receptive field: which pixels a central unit really heeds."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ablab.training.probes.layers import hooked

SHARE = 0.0455  # what lies beyond two deviations of a Gaussian; there 1 - 95.45 %


def receptive_fields(
    network: nn.Module, layers: Mapping[str, nn.Module], x: Tensor
) -> dict[str, float]:
    """Return the side of the effective receptive field of each layer whose outputs are maps.

    Args:
        network: in the mode it shall be seen in.
        layers: those to look at, by name.
        x: (N, C, H, W).

    Returns:
        Pixels, 0 where the central output heeds none: the root of the number of pixels where the
        gradient of the central output, summed over its channels, exceeds ``SHARE`` of its
        maximum, in the mean of magnitudes over images, summed over the input's channels.

    Source: Luo et al. 2016, arXiv:1701.04128, which has one channel and one image at a time.
    """
    maps: dict[str, Tensor] = {}

    def keep(name: str, _: nn.Module, __: Tensor, output: Tensor) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            maps[name] = output.clone()  # what follows may write into it

    with torch.enable_grad(), hooked(dict(layers), keep):
        image = x.detach().requires_grad_()
        network(image.clone())  # it may write into its input
    return {name: _side(output, image) for name, output in maps.items()}


def _side(output: Tensor, image: Tensor) -> float:
    height, width = output.shape[2:]
    centre = output[:, :, height // 2, width // 2].sum()
    (gradient,) = torch.autograd.grad(centre, image, retain_graph=True, allow_unused=True)
    if gradient is None:
        return 0.0
    heeded = gradient.abs().mean(0).sum(0)
    return float((heeded > SHARE * heeded.max()).sum().sqrt())
