"""Perturbations of test images: shift, noise, brightness and contrast.

The change of each image depends on the seed and the image's index alone, not on the batch or the
number of processes; a greater strength changes it further in the same direction.

Source: Hendrycks and Dietterich 2019, arXiv:1903.12261, for noise, contrast and clipping.
Brightness is added to the pixels here, not to the V of HSV; shifts are ours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ablab import streams
from ablab.errors import InputError

KINDS = ("shift", "noise", "brightness", "contrast")
_BLOCK = 250  # images that share a generator


@dataclass(frozen=True)
class Perturbation:
    """Changes test images in one way.

    Attributes:
        kind: ``"shift"``: move by ``strength`` pixels up, down, left or right, filled with black;
            ``"noise"``: add normal noise of standard deviation ``strength``; ``"brightness"``: add
            ``strength``; ``"contrast"``: multiply the differences to the mean of the image's
            channel by ``strength``. All but shifts are clipped to [0, 1].
        strength: of a shift in pixels; of noise and brightness with black 0 and white 1; of
            contrast a factor.
    """

    kind: str
    strength: float

    @property
    def name(self) -> str:
        """Suffix of its metrics: ``shift_2``, ``noise_0.1``."""
        return f"{self.kind}_{self.strength:g}"

    def __call__(self, x: Tensor, indices: Tensor, seed: int) -> Tensor:
        """Return perturbed images.

        Args:
            x: (B, C, H, W), in [0, 1].
            indices: (B,), their indices in the test set.
            seed: the trial's.
        """
        if self.kind == "shift":
            return _shifted(x, int(self.strength), _directions(seed, indices).to(x.device))
        if self.kind == "noise":
            x = x + self.strength * _noise(seed, indices, x.shape[1:]).to(x.device)
        elif self.kind == "brightness":
            x = x + self.strength
        else:
            x = x.mean((2, 3), keepdim=True).lerp(x, self.strength)
        return x.clamp(0, 1)


def perturbations(options: Mapping[str, Any], image_size: int) -> tuple[Perturbation, ...]:
    """Return the perturbations that the ``data`` group requests, in the order of `KINDS`.

    Args:
        options: ``test_<kind>``, a list of strengths, for each of `KINDS`.
        image_size: in pixels.

    Raises:
        InputError: a shift is at least as large as the image.
    """
    shifts = options["test_shift"]
    if shifts and max(shifts) >= image_size:
        raise InputError(
            f"data.test_shift must be below dataset.image_size, {image_size}, got {shifts}"
        )
    return tuple(Perturbation(kind, s) for kind in KINDS for s in options[f"test_{kind}"])


def _shifted(x: Tensor, pixels: int, directions: Tensor) -> Tensor:
    H, W = x.shape[2:]
    padded = F.pad(x, (pixels,) * 4)
    moved = torch.empty_like(x)
    for direction, (top, left) in enumerate(((0, 1), (2, 1), (1, 0), (1, 2))):
        rows = directions == direction
        window = padded[rows, :, top * pixels :, left * pixels :]
        moved[rows] = window[..., :H, :W]
    return moved


def _directions(seed: int, indices: Tensor) -> Tensor:
    """Return (B,) directions, integers from 0 to 3."""
    directions = torch.empty(len(indices), dtype=torch.long)
    for rows, offsets, generator in _blocks(seed, "test_shift", indices):
        directions[rows] = torch.randint(4, (_BLOCK,), generator=generator)[offsets]
    return directions


def _noise(seed: int, indices: Tensor, shape: torch.Size) -> Tensor:
    """Return (B, *shape) values of the standard normal distribution."""
    noise = torch.empty(len(indices), *shape)
    for rows, offsets, generator in _blocks(seed, "test_noise", indices):
        noise[rows] = torch.randn(_BLOCK, *shape, generator=generator)[offsets]
    return noise


def _blocks(
    seed: int, stream: str, indices: Tensor
) -> Iterator[tuple[Tensor, Tensor, torch.Generator]]:
    """Yield for each block in ``indices``: rows of the batch, offsets in the block, a generator.

    All on the CPU: other devices draw other numbers from the same seed.
    """
    indices = indices.cpu()
    blocks = indices // _BLOCK
    for block in sorted(set(blocks.tolist())):
        rows = (blocks == block).nonzero().squeeze(1)
        yield rows, indices[rows] % _BLOCK, streams.generator(seed, stream, block)
