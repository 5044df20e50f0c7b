"""Normalized batches of images in memory, computed for whole batches at a time."""

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
    """Images with their labels on one device.

    Attributes:
        pixels: (N, H, W, C) uint8.
        labels: (N,) int64.
        mean: per channel, of pixels in [0, 1].
        std: per channel, of pixels in [0, 1], > 0.
    """

    pixels: Tensor
    labels: Tensor
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Batches:
    """An iterable of batches ``(x, y)``, for Lightning or a plain loop.

    ``x`` is (B, C, H, W) float32 in channels_last layout, normalized by mean and standard
    deviation, its pixels permuted last; ``y`` is (B,) int64, or what the augmentation returns.
    Iterating yields the batches of the epoch last passed to ``sampler.set_epoch`` (0 by default),
    the same ones each time.

    Args:
        images: the images that the sampler's indices refer to.
        sampler: yields the indices of each batch.
        augmentation: maps ``(x, y, generator)`` to ``(x, y)``, with ``x`` in [0, 1], not yet
            normalized; its generator is reseeded in each epoch. Each process augments the batch
            of all processes and takes its share, so that the result does not depend on the number
            of processes, even where images of different shares are mixed. The cost per process
            does not shrink with their number.
        seed: the trial's.
        perturbation: changes ``x`` in [0, 1]; not together with an augmentation.
        permutation: (H * W,) int64, the source pixel of each pixel, for all channels; None for
            the identity.
    """

    batch_sampler = None  # Lightning reads it from every loader that has a sampler

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
        # Factor and term are repeated for each pixel: a multiply and an add over long rows are up
        # to seven times as fast as broadcasting over one or three channels.
        N, H, W, C = images.pixels.shape
        self._permutation = None if permutation is None else _value_permutation(permutation, C)
        self._flat = images.pixels.view(N, H * W * C)
        mean, std = (
            torch.tensor(values, device=images.pixels.device).repeat(H * W)
            for values in (images.mean, images.std)
        )
        self._factor, self._term = 1 / std, -mean / std
        self._byte_factor = self._factor / 255

    def __len__(self) -> int:
        return len(self.sampler)

    @property
    def is_plain(self) -> bool:
        """Whether images are normalized and nothing else."""
        changes: tuple[object, ...] = self._augmentation, self._perturbation, self._permutation
        return all(change is None for change in changes)

    @property
    def normalization(self) -> tuple[Tensor, Tensor]:
        """Factor and term of each value of an image in [0, 255], (H * W * C,) each."""
        return self._byte_factor, self._term

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for pixels, labels in self._augmented() if self._augmentation else self._plain():
            permuted = pixels
            if self._permutation is not None:
                permuted = pixels.index_select(1, self._permutation)
            yield self.as_images(permuted), labels

    def _plain(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield normalized values (B, H * W * C) and labels."""
        for indices in self.sampler:
            pixels, labels = self.select(indices)
            if self._perturbation:
                x = self._perturbation(self.as_images(pixels.div_(255)), indices, self._seed)
                yield self._normalize(x), labels
            else:
                yield pixels.mul_(self._byte_factor).add_(self._term), labels

    def _augmented(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield augmented and normalized values (B, H * W * C) and targets."""
        assert self._augmentation is not None
        stream = self._seed, "augmentation", self.sampler.epoch
        device = self._flat.device
        generator = streams.generator(*stream, device=device)
        for step, indices in enumerate(self.sampler.whole()):
            pixels, labels = self.select(indices)
            x = self.as_images(pixels.div_(255))
            with _isolated(self._augmentation, *stream, step, device=device):
                x, labels = self._augmentation(x, labels, generator)
            yield self._normalize(x[self.sampler.share]), labels[self.sampler.share]

    def select(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return pixels (B, H * W * C) as float32, in [0, 255], and labels (B,)."""
        pixels = self._flat.index_select(0, indices).float()
        return pixels, self._images.labels.index_select(0, indices)

    def _normalize(self, x: Tensor) -> Tensor:
        """Return images (B, C, H, W) in [0, 1] as normalized values (B, H * W * C)."""
        flat = x.permute(0, 2, 3, 1).reshape(len(x), -1)
        return flat * self._factor + self._term

    def as_images(self, flat: Tensor) -> Tensor:
        """Return a view of values (B, H * W * C) as images (B, C, H, W)."""
        return flat.view(-1, *self._images.pixels.shape[1:]).permute(0, 3, 1, 2)


def _isolated(
    augmentation: Augmentation, *stream: Any, device: torch.device
) -> AbstractContextManager[None]:
    """Seed the global generators for one batch of an augmentation that is not ablab's.

    Such an augmentation may draw from them besides the generator it is passed; ablab's do not.
    """
    if augmentation.__module__.startswith("ablab."):
        return nullcontext()
    return streams.fork_rng(*stream, device=device)


def pixel_permutation(seed: int, image_size: int) -> Tensor:
    """Return the permutation of pixels (H * W,) that a trial's seed draws (``permute_pixels``)."""
    return torch.randperm(image_size**2, generator=streams.generator(seed, "permutation"))


def _value_permutation(permutation: Tensor, channels: int) -> Tensor:
    """Return the permutation of an image's values (H * W * C,) that permutes its pixels."""
    return (
        permutation[:, None] * channels + torch.arange(channels, device=permutation.device)
    ).flatten()
