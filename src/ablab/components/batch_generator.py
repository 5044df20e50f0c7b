"""Random draws that do not depend on the number of processes: each draws for the global batch.

So dropout and stochastic pooling treat an image alike in whatever process it is. The cost is that
each process makes the draws of all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class BatchGenerator(torch.Generator):
    """A generator with the rank of its process.

    Attributes:
        rank: of this process, whose images are the ``rank``-th of ``world_size`` equal shares.
        world_size: number of processes.
    """

    rank = 0
    world_size = 1


def draw(
    generator: torch.Generator, shape: tuple[int, ...], fill: Callable[[Tensor], object]
) -> Tensor:
    """Return random values for the images of this process.

    Args:
        generator: the generator of ``fill``; unless it is a `BatchGenerator` of several processes,
            all images belong to this process.
        shape: (N, ...), with N images in this process.
        fill: fills a float32 tensor on the generator's device in place.

    Returns:
        A float32 tensor of ``shape``; the training precision does not change the draws.

    Example:
        >>> generator = BatchGenerator()
        >>> generator.rank, generator.world_size = 1, 2
        >>> draw(generator, (2, 3), lambda x: x.copy_(torch.arange(4.0)[:, None]))
        tensor([[2., 2., 2.],
                [3., 3., 3.]])
    """
    rank, processes = getattr(generator, "rank", 0), getattr(generator, "world_size", 1)
    images, *rest = shape
    whole = torch.empty((processes * images, *rest), dtype=torch.float32, device=generator.device)
    fill(whole)
    return whole.narrow(0, rank * images, images)


@contextmanager
def single_process(generator: torch.Generator | None) -> Iterator[None]:
    """Use a generator as that of a single process within the block."""
    if not isinstance(generator, BatchGenerator):
        yield
        return
    before = generator.rank, generator.world_size
    generator.rank, generator.world_size = 0, 1
    try:
        yield
    finally:
        generator.rank, generator.world_size = before
