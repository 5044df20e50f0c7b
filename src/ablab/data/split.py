"""Which images of each part are used for training, validation and testing."""

from functools import lru_cache

import torch
from torch import Tensor

from ablab import streams
from ablab.errors import InputError


@lru_cache(maxsize=4)  # a trial asks for its own several times; each sorts all indices
def split(
    n: int,
    val_fraction: float,
    seed: int,
    train_images: int | None = None,
    val_images: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the indices of the training and of the validation images, each in ascending order.

    The images are shuffled by the seed. The first ``val_fraction`` of them are for validation, the
    rest for training. A smaller training set takes the first images of the rest: smaller sets are
    subsets of larger ones, and the validation set is the same for all. A smaller validation set
    takes the first images of its share; the other ones of the share are not trained on. Both
    tensors are shared by all callers, which must not change them.

    Args:
        n: number of images.
        val_fraction: share of them for validation; 0 for none.
        seed: of the shuffle.
        train_images: number of training images; None for all of the rest.
        val_images: number of validation images; None for the whole share. Ignored where
            ``val_fraction`` is 0.

    Raises:
        InputError: validation would have no image, or there are fewer images than requested.
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


def subset(part: str, n: int, images: int | None) -> Tensor:
    """Return the indices of the images of a separate part that are used, in ascending order.

    They are drawn independently of the trial's seed: all trials use the same images, so that they
    can be compared image by image. Smaller subsets are subsets of larger ones.

    Args:
        part: ``"val"`` or ``"test"``.
        n: number of images.
        images: number of images that are used; None for all.

    Raises:
        InputError: there are fewer images than requested.
    """
    if images is None:
        return torch.arange(n)
    order = torch.randperm(n, generator=streams.generator(0, f"{part}_slice"))
    return order[: _checked(part, images, n)].sort().values


def _checked(part: str, images: int, n: int) -> int:
    if not 1 <= images <= n:
        name = {"val": "validation"}.get(part, part)
        raise InputError(
            f"data.{part}_images must be an integer from 1 to the number of {name} images, {n}, "
            f"got {images}"
        )
    return images


def check_val_fraction(val_fraction: float | None, has_val: bool) -> None:
    """Check the share of the training part that validation takes.

    Raises:
        InputError: it is out of range, or given although the set has validation images.
    """
    if has_val and val_fraction is not None:
        raise InputError(
            "val_fraction must be null where the data set has validation images of its own, "
            f"got {val_fraction}"
        )
    if not has_val and (val_fraction is None or not 0 < val_fraction < 1):
        raise InputError(f"val_fraction must be between 0 and 1, both excluded, got {val_fraction}")
