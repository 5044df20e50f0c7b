"""The indices of the images in each batch, for each process."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ablab import streams
from ablab.data.settings import SHUFFLES
from ablab.errors import InputError


class EpochOrder:
    """Yields batches of training indices; the order is a function of (seed, epoch).

    A global batch is cut into equal contiguous slices, one per process. The last incomplete batch
    is dropped: the same images in each epoch where the order does not change.

    Args:
        indices: (n,) int64, the training images, on the device of the images.
        batch_size: of all processes together.
        seed: the trial's.
        rank: of this process.
        world_size: number of processes.
        shuffle: ``"each_epoch"``: a new order in each epoch; ``"once"``: the order of the first
            epoch in all; ``"none"``: the order of ``indices``; ``"with_replacement"``: each index
            is drawn from all images, so that an epoch has some twice and lacks others.

    Attributes:
        share: slice of a global batch that belongs to this process.

    Raises:
        InputError: ``batch_size`` is out of its range, or ``shuffle`` is unknown.
    """

    def __init__(
        self,
        indices: Tensor,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        *,
        shuffle: str = "each_epoch",
    ) -> None:
        if shuffle not in SHUFFLES:
            raise InputError(f"data.shuffle must be one of {', '.join(SHUFFLES)}, got {shuffle}")
        if batch_size < 1 or batch_size > len(indices):
            raise InputError(
                f"batch_size must be from 1 to the number of training images, {len(indices)}, "
                f"got {batch_size}"
            )
        if batch_size % world_size:
            raise InputError(
                f"batch_size must be divisible by the number of processes, {world_size}, "
                f"got {batch_size}"
            )
        self.epoch = 0
        self._indices = indices
        self._batch_size = batch_size
        self._seed = seed
        self._shuffle = shuffle
        share = batch_size // world_size
        self.share = slice(rank * share, (rank + 1) * share)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration; Lightning calls this before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._indices) // self._batch_size

    def __iter__(self) -> Iterator[Tensor]:
        for batch in self.whole():
            yield batch[self.share]

    def whole(self) -> Iterator[Tensor]:
        """Yield the global batches, those of all processes together."""
        shuffled = self._indices[self._order().to(self._indices.device)]
        for batch in range(len(self)):
            start = batch * self._batch_size
            yield shuffled[start : start + self._batch_size]

    def _order(self) -> Tensor:
        """Return the positions in ``indices`` in this epoch's order, (n,)."""
        n = len(self._indices)
        if self._shuffle == "none":
            return torch.arange(n)
        epoch = 0 if self._shuffle == "once" else self.epoch
        generator = streams.generator(self._seed, "order", epoch)
        if self._shuffle == "with_replacement":
            return torch.randint(n, (n,), generator=generator)
        return torch.randperm(n, generator=generator)


class FixedOrder:
    """Yields batches with each image once, in order; each process has one contiguous part.

    The parts of processes 0, 1, …, concatenated, are the whole set.

    Args:
        indices: (n,) int64, on the device of the images.
        batch_size: of this process; the last batch may be smaller.
        rank: of this process.
        world_size: number of processes.

    Attributes:
        share: slice of a batch of `whole` that belongs to this process: all of it.
    """

    epoch = 0
    share = slice(None)

    def __init__(
        self, indices: Tensor, batch_size: int, rank: int = 0, world_size: int = 1
    ) -> None:
        if batch_size < 1:
            raise InputError(f"eval_batch_size must be at least 1, got {batch_size}")
        n = len(indices)
        share = indices[rank * n // world_size : (rank + 1) * n // world_size]
        starts = range(0, len(share), batch_size)
        self._batches = [share[start : start + batch_size] for start in starts]

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._batches)

    def whole(self) -> Iterator[Tensor]:
        """Yield this process's batches: no batch is shared among processes."""
        return iter(self._batches)
