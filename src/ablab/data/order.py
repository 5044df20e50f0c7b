"""Which images make up each batch, for each process."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ablab import streams
from ablab.errors import InputError

FULL = "full"  # in place of a number: each batch is all training images
SHUFFLES = ("each_epoch", "once", "none", "with_replacement")


class EpochOrder:
    """Training images in the order of each epoch, a function of (seed, epoch).

    A global batch is cut into equal contiguous slices, one for each process; what is left of the
    set after the last whole batch is dropped. These are the same images in each epoch where it
    has no order of its own.

    Args:
        indices: (n,) int64, the images to choose from, on the device of the images.
        batch_size: of all processes together.
        seed: the trial's.
        rank: of this process.
        world_size: number of processes.
        shuffle: ``"each_epoch"``: an order of its own for each; ``"once"``: that of the first
            epoch for all; ``"none"``: that of ``indices``; ``"with_replacement"``: every place of
            every batch draws from all images, so that an epoch has some twice and lacks others.

    Attributes:
        share: which images of a batch of all processes are this one's.

    Raises:
        InputError: ``batch_size`` cannot be had, or ``shuffle`` is none of these.
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
        """Make the next iteration that of ``epoch``; Lightning calls this before each."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._indices) // self._batch_size

    def __iter__(self) -> Iterator[Tensor]:
        for batch in self.whole():
            yield batch[self.share]

    def whole(self) -> Iterator[Tensor]:
        """Yield the batches of all processes together."""
        shuffled = self._indices[self._order().to(self._indices.device)]
        for batch in range(len(self)):
            start = batch * self._batch_size
            yield shuffled[start : start + self._batch_size]

    def _order(self) -> Tensor:
        """Return this epoch's places in ``indices``, (n,)."""
        n = len(self._indices)
        if self._shuffle == "none":
            return torch.arange(n)
        epoch = 0 if self._shuffle == "once" else self.epoch
        generator = streams.generator(self._seed, "order", epoch)
        if self._shuffle == "with_replacement":
            return torch.randint(n, (n,), generator=generator)
        return torch.randperm(n, generator=generator)


class FixedOrder:
    """Every image once, in order; each process takes one contiguous part.

    The parts of processes 0, 1, … put one after another are the whole set.

    Args:
        indices: (n,) int64, on the device of the images.
        batch_size: of this process; the last batch may be smaller.
        rank: of this process.
        world_size: number of processes.

    Attributes:
        share: which images of a batch of `whole` are this process's: all.
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
        """Yield this process's batches: none is shared."""
        return iter(self._batches)
