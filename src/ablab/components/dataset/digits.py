"""Scikit-learn's handwritten digits: no download needed."""

from functools import partial

from ablab.data import digits as source
from ablab.data.image_set import ImageSet
from ablab.data.module import InMemoryDataModule
from ablab.errors import InputError


def digits(
    val_fraction: float = 0.2, split_seed: int | None = None, enlarge: int = 4
) -> InMemoryDataModule:
    """Return 1437 training and 360 test images of ten digits, 32x32 by default, one channel.

    Args:
        val_fraction: share of the training images for validation, in (0, 1).
        split_seed: seed of that split; None for the trial's seed.
        enlarge: factor from the source's 8x8: 1, 2 or 4.

    Raises:
        InputError: ``enlarge`` is another number.

    Source: Alpaydin and Kaynak 1998 (UCI), through scikit-learn; enlarging and split are ours
    (see `ablab.data.digits.read`).
    """
    if enlarge not in (1, 2, 4) or isinstance(enlarge, bool):
        raise InputError(f"dataset.enlarge must be 1, 2 or 4, got {enlarge}")
    suffix = "" if enlarge == 4 else f"-{enlarge}"  # the cache keeps the entry it has
    image_set = ImageSet(
        name="digits",
        in_channels=1,
        image_size=8 * enlarge,
        class_names=tuple("0123456789"),
        fingerprint=f"{source.FINGERPRINT}{suffix}",
        read=partial(source.read, enlarge),
    )
    return InMemoryDataModule(image_set, val_fraction, split_seed)
