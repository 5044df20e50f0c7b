"""The batches of a loader of the user's own: unchanged, looked at, the same whenever repeated."""

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
    """An iterable of a loader's batches ``(x, y)``, as they are.

    What the loader and its data draw from the global generators is a function of (seed, part,
    epoch): the order of ``shuffle=True``, random transforms. A generator that the loader was
    given restarts in each epoch, from its own seed and the epoch: a resumed trial repeats it.

    Args:
        loader: gives ``x``, (B, C, H, W) floating point, and ``y``, (B,) int64 class indices, or
            (B, K) shares.
        part: ``"train"``, ``"val"`` or ``"test"``; only training has epochs of its own.
        shape: (C, H, W).
        num_classes: K.
        seed: the trial's.
    """

    batch_sampler = None  # Lightning looks for one where it finds a sampler

    def __init__(
        self, loader: Any, part: str, shape: tuple[int, int, int], num_classes: int, seed: int
    ) -> None:
        self.epoch = 0
        self._loader, self._part, self._seed = loader, part, seed
        self._shape, self._num_classes = shape, num_classes
        given = (getattr(owner, "generator", None) for owner in (loader, *_samplers(loader)))
        generators = {id(g): g for g in given if isinstance(g, torch.Generator)}
        self._given = [(g, g.initial_seed()) for g in generators.values()]

    @property
    def sampler(self) -> "PlainBatches":
        """What Lightning tells the epoch."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Make the next iteration that of ``epoch``."""
        self.epoch = epoch
        for sampler in _samplers(self._loader):
            if callable(told := getattr(sampler, "set_epoch", None)):
                told(epoch)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.epoch if self._part == "train" else 0
        for generator, seed in self._given:
            generator.manual_seed(streams.derive(seed, "batches", epoch))
        if isinstance(self._loader, DataLoader):
            # Workers that lived on would carry their generators over from the epoch before.
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
        """Return the images of one iteration: computed, or counted where the loader is unusual."""
        loader = self._loader
        if not _is_usual(loader):
            return sum(len(y) for _, y in self)
        n, size = len(loader.sampler), int(loader.batch_size)
        return n // size * size if loader.drop_last else n

    def smallest_batch(self) -> int:
        """Return the images of the smallest batch, where the loader is unusual of the first."""
        loader = self._loader
        if not _is_usual(loader):
            return len(next(iter(self))[1])
        n, size = len(loader.sampler), int(loader.batch_size)
        return size if loader.drop_last else (n % size or size)

    def has_fixed_order(self) -> bool:
        """Tell whether each iteration gives the same images in the same order, for any seed."""
        return _is_usual(self._loader) and type(self._loader.sampler) is SequentialSampler

    def _checked(self, batch: Any, number: int) -> Batch:
        """Return a batch that is as it has to be.

        Raises:
            DataError: it is not.
        """
        place = f"in batch {number} of {self._part}_dataloader"
        if not isinstance(batch, tuple | list) or not all(isinstance(t, Tensor) for t in batch):
            raise DataError(f"dataset must give two tensors (x, y), got {_told(batch)} {place}")
        if len(batch) != 2:
            raise DataError(f"dataset must give (x, y), got {len(batch)} tensors {place}")
        x, y = batch
        if not x.is_floating_point() or tuple(x.shape[1:]) != self._shape or not len(x):
            wanted = ", ".join(map(str, self._shape))
            raise DataError(
                f"dataset must give x of shape (N, {wanted}), floating point, as its in_channels "
                f"and image_size say, got {x.dtype} {tuple(x.shape)} {place}"
            )
        if not _is_target(y, len(x), self._num_classes):
            raise DataError(
                f"dataset must give y as int64 class indices (N,), 0 to {self._num_classes - 1}, "
                f"or shares (N, {self._num_classes}), floating point, got {_told_of_target(y)} "
                f"{place}"
            )
        return x, y


def _is_target(y: Tensor, n: int, num_classes: int) -> bool:
    if y.ndim == 2:
        return y.is_floating_point() and tuple(y.shape) == (n, num_classes)
    if y.dtype != torch.int64 or tuple(y.shape) != (n,):
        return False
    return bool(y.min() >= 0 and y.max() < num_classes)


def _told_of_target(y: Tensor) -> str:
    values = f", {y.min()} to {y.max()}," if y.numel() and y.dtype == torch.int64 else ""
    return f"{y.dtype} {tuple(y.shape)}{values}"


def _told(batch: Any) -> str:
    if isinstance(batch, tuple | list):
        return f"{type(batch).__name__} of {', '.join(type(part).__name__ for part in batch)}"
    return type(batch).__name__


def _samplers(loader: Any) -> list[Any]:
    batch_sampler = getattr(loader, "batch_sampler", None)
    found = (
        getattr(loader, "sampler", None),
        batch_sampler,
        getattr(batch_sampler, "sampler", None),
    )
    return [sampler for sampler in found if sampler is not None]


def _is_usual(loader: Any) -> bool:
    """Tell a DataLoader that draws from a sampler of known length and cuts that into batches."""
    return (
        isinstance(loader, DataLoader)
        and type(loader.batch_sampler) is BatchSampler
        and hasattr(loader.sampler, "__len__")
    )
