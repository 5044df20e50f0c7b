"""Whole normalised batches out of images in memory, with no work per image."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ablab import streams
from ablab.data.order import EpochOrder, FixedOrder
from ablab.data.perturbation import Perturbation

Augmentation = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Images:
    """Images with labels on one device.

    Attributes:
        pixels: (N, H, W, C) uint8.
        labels: (N,) int64.
        mean: per channel, of pixels in [0, 1].
        std: likewise, > 0.
    """

    pixels: Tensor
    labels: Tensor
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Batches:
    """An iterable of batches ``(x, y)``, as Lightning and a plain loop take it.

    ``x`` is (B, C, H, W) float32 in channels_last layout, normalised by mean and standard
    deviation, its pixels permuted last; ``y`` is (B,) int64, or what the augmentation makes of
    it. An iteration is that of the epoch that ``sampler.set_epoch`` was last given, 0 before, and
    may be repeated: it yields the same batches again.

    Args:
        images: the set that the sampler's indices point into.
        sampler: which images make up each batch.
        augmentation: maps ``(x, y, generator)`` to ``(x, y)``, with ``x`` in [0, 1], not yet
            normalised; its generator starts anew in each epoch. Each process augments the batch
            of all processes and takes its share, so that there is one result however many there
            are, for mixtures across shares too; what each spends on it does not shrink.
        seed: the trial's.
        perturbation: changes ``x`` in [0, 1] in place of an augmentation.
        permutation: (H * W,) int64: which pixel, with all its channels, stands at each place; None:
            each at its own.
    """

    batch_sampler = None  # Lightning looks for one where it finds a sampler

    def __init__(
        self,
        images: Images,
        sampler: EpochOrder | FixedOrder,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        *,
        perturbation: Perturbation | None = None,
        permutation: Tensor | None = None,
    ) -> None:
        self.sampler = sampler
        self._images = images
        self._augmentation = augmentation
        self._perturbation = perturbation
        self._seed = seed
        # One factor and one term for each value of an image: a multiply and an add over long rows
        # are up to seven times as fast as broadcasting over one or three channels.
        N, H, W, C = images.pixels.shape
        self._permutation = None if permutation is None else _of_values(permutation, C)
        self._flat = images.pixels.view(N, H * W * C)
        mean, std = (
            torch.tensor(values, device=images.pixels.device).repeat(H * W)
            for values in (images.mean, images.std)
        )
        self._factor, self._term = 1 / std, -mean / std
        self._byte_factor = self._factor / 255

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for pixels, labels in self._augmented() if self._augmentation else self._plain():
            placed = pixels
            if self._permutation is not None:
                placed = pixels.index_select(1, self._permutation)
            yield self._shaped(placed), labels

    def _plain(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (B, H * W * C) normalised, and labels."""
        for indices in self.sampler:
            pixels, labels = self._chosen(indices)
            if self._perturbation:
                x = self._perturbation(self._shaped(pixels.div_(255)), indices, self._seed)
                yield self._normalised(x), labels
            else:
                yield pixels.mul_(self._byte_factor).add_(self._term), labels

    def _augmented(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (B, H * W * C) augmented and normalised, and targets."""
        assert self._augmentation is not None
        stream = self._seed, "augmentation", self.sampler.epoch
        device = self._flat.device
        generator = streams.generator(*stream, device=device)
        for step, indices in enumerate(self.sampler.whole()):
            pixels, labels = self._chosen(indices)
            x = self._shaped(pixels.div_(255))
            with _isolated(self._augmentation, *stream, step, device=device):
                x, labels = self._augmentation(x, labels, generator)
            yield self._normalised(x[self.sampler.share]), labels[self.sampler.share]

    def _chosen(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        pixels = self._flat.index_select(0, indices).float()
        return pixels, self._images.labels.index_select(0, indices)

    def _normalised(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W) in [0, 1] as (B, H * W * C), normalised."""
        flat = x.permute(0, 2, 3, 1).reshape(len(x), -1)
        return flat * self._factor + self._term

    def _shaped(self, flat: Tensor) -> Tensor:
        """View (B, H * W * C) as (B, C, H, W)."""
        return flat.view(-1, *self._images.pixels.shape[1:]).permute(0, 3, 1, 2)


def _isolated(
    augmentation: Augmentation, *stream: Any, device: torch.device
) -> AbstractContextManager[None]:
    """Give an augmentation that is not ours global generators of its own for one batch.

    It may draw from them beside the one that it is handed; ours do not.
    """
    if augmentation.__module__.startswith("ablab."):
        return nullcontext()
    return streams.forked(*stream, device=device)


def _of_values(permutation: Tensor, channels: int) -> Tensor:
    """Return the permutation of the values of an image, (H * W * C,), that permutes its pixels."""
    return (
        permutation[:, None] * channels + torch.arange(channels, device=permutation.device)
    ).flatten()
