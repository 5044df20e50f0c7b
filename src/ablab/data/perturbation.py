"""Test images as they might have been taken: moved, noisy, brighter or darker, of other contrast.

Each image is changed in a way of its own that the seed alone decides: not the batch it comes in,
nor how many processes test; a greater strength changes it further in the same way.

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
_BLOCK = 250  # images whose draws share a generator


@dataclass(frozen=True)
class Perturbation:
    """One way of changing test images.

    Attributes:
        kind: ``"shift"``: by ``strength`` pixels up, down, left or right, black moving in;
            ``"noise"``: plus normal noise of standard deviation ``strength``; ``"brightness"``:
            plus ``strength``; ``"contrast"``: differences to the mean of the image's channel
            times ``strength``. But for shifts, what leaves [0, 1] is clipped.
        strength: in pixels, or in units of black to white.
    """

    kind: str
    strength: float

    @property
    def name(self) -> str:
        """What its figures are called by: ``shift_2``, ``noise_0.1``."""
        return f"{self.kind}_{self.strength:g}"

    def __call__(self, x: Tensor, indices: Tensor, seed: int) -> Tensor:
        """Return changed images.

        Args:
            x: (B, C, H, W), in [0, 1].
            indices: (B,), which images of the test set they are.
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
    """Return those that the ``data`` group asks for, each kind's by strength.

    Args:
        options: ``test_<kind>``, a list of strengths, for each of `KINDS`.
        image_size: in pixels.

    Raises:
        InputError: a shift leaves nothing of an image.
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
    """Return (B,) integers from 0 to 3."""
    drawn = torch.empty(len(indices), dtype=torch.long)
    for rows, places, generator in _blocks(seed, "test_shift", indices):
        drawn[rows] = torch.randint(4, (_BLOCK,), generator=generator)[places]
    return drawn


def _noise(seed: int, indices: Tensor, shape: torch.Size) -> Tensor:
    """Return (B, *shape) values of the standard normal distribution."""
    drawn = torch.empty(len(indices), *shape)
    for rows, places, generator in _blocks(seed, "test_noise", indices):
        drawn[rows] = torch.randn(_BLOCK, *shape, generator=generator)[places]
    return drawn


def _blocks(
    seed: int, stream: str, indices: Tensor
) -> Iterator[tuple[Tensor, Tensor, torch.Generator]]:
    """Yield, for each block of the set that occurs: its rows here, their places in it, its draws.

    All on the CPU: other devices draw otherwise.
    """
    indices = indices.cpu()
    blocks = indices // _BLOCK
    for block in sorted(set(blocks.tolist())):
        rows = (blocks == block).nonzero().squeeze(1)
        yield rows, indices[rows] % _BLOCK, streams.generator(seed, stream, block)
