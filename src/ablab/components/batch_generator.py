"""What processes that share a batch draw from: each draws for the whole of it, as one alone would.

A trial of several processes is then the trial of one: an image is dropped, pooled and silenced
alike wherever it is trained. It costs each process the draws, not the work, of all of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class BatchGenerator(torch.Generator):
    """A generator that knows which share of a batch its process has.

    Attributes:
        rank: of this process: its images are the ``rank``-th of ``world_size`` equal shares.
        world_size: number of processes.
    """

    rank = 0
    world_size = 1


def drawn(
    generator: torch.Generator, shape: tuple[int, ...], fill: Callable[[Tensor], object]
) -> Tensor:
    """Return what is drawn for the images of this process.

    Args:
        generator: what ``fill`` draws from; all images are this process's unless it is a
            `BatchGenerator` that says otherwise.
        shape: (N, ...), N of this process's images.
        fill: draws into a float32 tensor on the generator's device, in place.

    Returns:
        A tensor of that shape, float32 whatever is trained, so that precision changes no draw.

    Example:
        >>> generator = BatchGenerator()
        >>> generator.rank, generator.world_size = 1, 2
        >>> drawn(generator, (2, 3), lambda x: x.copy_(torch.arange(4.0)[:, None]))
        tensor([[2., 2., 2.],
                [3., 3., 3.]])
    """
    rank, processes = getattr(generator, "rank", 0), getattr(generator, "world_size", 1)
    images, *rest = shape
    whole = torch.empty((processes * images, *rest), dtype=torch.float32, device=generator.device)
    fill(whole)
    return whole.narrow(0, rank * images, images)


@contextmanager
def alone(generator: torch.Generator | None) -> Iterator[None]:
    """Let a generator serve a batch that is all this process's for the block."""
    if not isinstance(generator, BatchGenerator):
        yield
        return
    before = generator.rank, generator.world_size
    generator.rank, generator.world_size = 0, 1
    try:
        yield
    finally:
        generator.rank, generator.world_size = before
