"""Effective receptive field: the pixels that affect a central unit noticeably."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ablab.training.probes.layers import hooked

SHARE = 0.0455  # probability outside of two standard deviations of a Gaussian, 1 - 95.45 %


def receptive_fields(
    network: nn.Module, layers: Mapping[str, nn.Module], x: Tensor
) -> dict[str, float]:
    """Return the side of the effective receptive field of each layer whose outputs are maps.

    Args:
        network: in the mode to measure.
        layers: the layers to measure, by name.
        x: (N, C, H, W).

    Returns:
        Side in pixels: the square root of the number of pixels at which the gradient of the central
        output, summed over its channels, exceeds ``SHARE`` of its maximum; gradient magnitudes are
        averaged over images and summed over the input's channels. 0 without any gradient.

    Source: Luo et al. 2016, arXiv:1701.04128, which has one channel and one image at a time.
    """
    maps: dict[str, Tensor] = {}

    def keep(name: str, _: nn.Module, __: Tensor, output: Tensor) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            maps[name] = output.clone()  # the next layer may overwrite it

    with torch.enable_grad(), hooked(dict(layers), keep):
        image = x.detach().requires_grad_()
        network(image.clone())  # the network may overwrite its input
    return {name: _side(output, image) for name, output in maps.items()}


def _side(output: Tensor, image: Tensor) -> float:
    height, width = output.shape[2:]
    center = output[:, :, height // 2, width // 2].sum()
    (gradient,) = torch.autograd.grad(center, image, retain_graph=True, allow_unused=True)
    if gradient is None:
        return 0.0
    magnitude = gradient.abs().mean(0).sum(0)
    return float((magnitude > SHARE * magnitude.max()).sum().sqrt())
