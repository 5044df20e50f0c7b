"""Which training images a trial trains on, and which validate it."""

import torch
from torch import Tensor

from ablab import streams
from ablab.errors import InputError


def split(
    n: int,
    val_fraction: float,
    seed: int,
    train_images: int | None = None,
    val_images: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the indices of the training and of the validation images, each ascending.

    All are put into one order, drawn from the seed; validation takes its head. Of what follows a
    smaller training set takes the first, so that smaller sets lie within larger ones, and
    validation is the same for all. A smaller validation set takes the first of the head; what it
    leaves does not train.

    Args:
        n: how many there are.
        val_fraction: share of them that validation takes; 0: none.
        seed: of the draw.
        train_images: how many train; None: all that validation leaves.
        val_images: how many validate; None: all of the share. Of no meaning where that is 0.

    Raises:
        InputError: validation would have no image, or a part has not so many.
    """
    num_val = round(val_fraction * n)
    if val_fraction and not num_val:
        raise InputError(
            f"dataset.val_fraction must take at least one of {n} images, got {val_fraction}"
        )
    if train_images is not None and not 1 <= train_images <= n - num_val:
        raise InputError(
            "data.train_images must be from 1 to the number of images that can train, "
            f"{n - num_val}, got {train_images}"
        )
    order = torch.randperm(n, generator=streams.generator(seed, "split"))
    last = n if train_images is None else num_val + train_images
    val = order[:num_val]
    if val_fraction and val_images is not None:
        val = val[: _checked("val", val_images, num_val)]
    return order[num_val:last].sort().values, val.sort().values


def sliced(part: str, n: int, images: int | None) -> Tensor:
    """Return the indices of those images of a part of its own that are used, ascending.

    The first of an order that no seed of a trial changes: the same images for all trials, so
    that these can be compared image by image, and smaller slices lie within larger ones.

    Args:
        part: ``"val"`` or ``"test"``.
        n: how many there are.
        images: how many are used; None: all.

    Raises:
        InputError: there are not so many.
    """
    if images is None:
        return torch.arange(n)
    order = torch.randperm(n, generator=streams.generator(0, f"{part}_slice"))
    return order[: _checked(part, images, n)].sort().values


def _checked(part: str, images: int, n: int) -> int:
    if not 1 <= images <= n:
        word = {"val": "validation"}.get(part, part)
        raise InputError(
            f"data.{part}_images must be an integer from 1 to the number of {word} images, {n}, "
            f"got {images}"
        )
    return images
