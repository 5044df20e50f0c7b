"""Which training images a trial trains on, and which validate it."""

import torch
from torch import Tensor

from ablab import streams


def split(
    n: int, val_fraction: float, seed: int, train_images: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return the indices of the training and of the validation images, each ascending.

    All are put into one order, drawn from the seed; validation takes its head. Of what follows a
    smaller training set takes the first, so that smaller sets lie within larger ones, and
    validation is the same for all.

    Args:
        n: how many there are.
        val_fraction: share of them that validation takes; 0: none.
        seed: of the draw.
        train_images: how many train; None: all that validation leaves.

    Raises:
        ValueError: validation would have no image, or training has not so many.
    """
    num_val = round(val_fraction * n)
    if val_fraction and not num_val:
        raise ValueError(f"val_fraction must take at least one of {n} images, got {val_fraction}")
    if train_images is not None and not 1 <= train_images <= n - num_val:
        raise ValueError(
            "data.train_images must be from 1 to the number of images that can train, "
            f"{n - num_val}, got {train_images}"
        )
    order = torch.randperm(n, generator=streams.generator(seed, "split"))
    last = n if train_images is None else num_val + train_images
    return order[num_val:last].sort().values, order[:num_val].sort().values
