"""Batches of a user's loader: unchanged, checked, and reproducible."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from ablab import streams
from ablab.data.errors import DataError
from ablab.data.own_generators import OwnGenerators
from ablab.data.trial_data import Batch


class PlainBatches:
    """An iterable of a loader's batches ``(x, y)``, unchanged.

    What the loader and its data draw from the global generators (the order of ``shuffle=True``,
    random transforms) is a function of (seed, part, epoch). A generator of the loader's own is
    reseeded in each epoch from its initial seed and the epoch, so that a resumed trial repeats it.

    Args:
        loader: yields ``x``, (B, C, H, W) floating point, and ``y``, (B,) int64 class indices, or
            (B, K) probabilities.
        part: ``"train"``, ``"val"`` or ``"test"``; the epoch matters for training alone.
        shape: (C, H, W).
        num_classes: K.
        seed: the trial's.
    """

    batch_sampler = None  # Lightning reads it from every loader that has a sampler

    def __init__(
        self, loader: Any, part: str, shape: tuple[int, int, int], num_classes: int, seed: int
    ) -> None:
        self.epoch = 0
        self._loader, self._part, self._seed = loader, part, seed
        self._shape, self._num_classes = shape, num_classes
        found = (getattr(owner, "generator", None) for owner in (loader, *_samplers(loader)))
        generators = {id(g): g for g in found if isinstance(g, torch.Generator)}
        self._generators = [(g, g.initial_seed()) for g in generators.values()]

    @property
    def sampler(self) -> "PlainBatches":
        """The object whose ``set_epoch`` Lightning calls."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration."""
        self.epoch = epoch
        for sampler in _samplers(self._loader):
            if callable(set_epoch := getattr(sampler, "set_epoch", None)):
                set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.epoch if self._part == "train" else 0
        for generator, seed in self._generators:
            generator.manual_seed(streams.derive(seed, "batches", epoch))
        if isinstance(self._loader, DataLoader):
            # Drop persistent workers: their generators would continue from the previous epoch.
            self._loader._iterator = None
        generators = OwnGenerators(self._seed, f"{self._part}_batches", epoch)
        with generators:
            batches = iter(self._loader)
        for number in range(len(self)):
            with generators:
                batch = next(batches, None)
            if batch is None:
                return
            yield self._checked(batch, number)

    def num_images(self) -> int:
        """Return the number of images per epoch, by iterating unless the loader is standard."""
        loader = self._loader
        if not _is_standard(loader):
            return sum(len(y) for _, y in self)
        n, size = len(loader.sampler), int(loader.batch_size)
        return n // size * size if loader.drop_last else n

    def smallest_batch(self) -> int:
        """Return the size of the smallest batch; of the first one unless the loader is standard."""
        loader = self._loader
        if not _is_standard(loader):
            return len(next(iter(self))[1])
        n, size = len(loader.sampler), int(loader.batch_size)
        return size if loader.drop_last else (n % size or size)

    def has_fixed_order(self) -> bool:
        """Return whether each iteration has the same images in the same order, for any seed."""
        return _is_standard(self._loader) and type(self._loader.sampler) is SequentialSampler

    def _checked(self, batch: Any, number: int) -> Batch:
        """Return a batch after a check.

        Raises:
            DataError: it is invalid.
        """
        where = f"in batch {number} of {self._part}_dataloader"
        if not isinstance(batch, tuple | list) or not all(isinstance(t, Tensor) for t in batch):
            raise DataError(f"dataset must give two tensors (x, y), got {_types(batch)} {where}")
        if len(batch) != 2:
            raise DataError(f"dataset must give (x, y), got {len(batch)} tensors {where}")
        x, y = batch
        if not x.is_floating_point() or tuple(x.shape[1:]) != self._shape or not len(x):
            shape = ", ".join(map(str, self._shape))
            raise DataError(
                f"dataset must give x of shape (N, {shape}), floating point, as its in_channels "
                f"and image_size say, got {x.dtype} {tuple(x.shape)} {where}"
            )
        if not _is_target(y, len(x), self._num_classes):
            raise DataError(
                f"dataset must give y as int64 class indices (N,), 0 to {self._num_classes - 1}, "
                f"or probabilities (N, {self._num_classes}), floating point, got "
                f"{_describe_target(y)} {where}"
            )
        return x, y


def _is_target(y: Tensor, n: int, num_classes: int) -> bool:
    if y.ndim == 2:
        return y.is_floating_point() and tuple(y.shape) == (n, num_classes)
    if y.dtype != torch.int64 or tuple(y.shape) != (n,):
        return False
    return bool(y.min() >= 0 and y.max() < num_classes)


def _describe_target(y: Tensor) -> str:
    values = f", {y.min()} to {y.max()}," if y.numel() and y.dtype == torch.int64 else ""
    return f"{y.dtype} {tuple(y.shape)}{values}"


def _types(batch: Any) -> str:
    if isinstance(batch, tuple | list):
        return f"{type(batch).__name__} of {', '.join(type(part).__name__ for part in batch)}"
    return type(batch).__name__


def _samplers(loader: Any) -> list[Any]:
    batch_sampler = getattr(loader, "batch_sampler", None)
    samplers = (
        getattr(loader, "sampler", None),
        batch_sampler,
        getattr(batch_sampler, "sampler", None),
    )
    return [sampler for sampler in samplers if sampler is not None]


def _is_standard(loader: Any) -> bool:
    """Return whether a loader is a DataLoader with torch's BatchSampler and a known length."""
    return (
        isinstance(loader, DataLoader)
        and type(loader.batch_sampler) is BatchSampler
        and hasattr(loader.sampler, "__len__")
    )
