"""Scikit-learn's handwritten digits: no download needed."""

from ablab.data import digits as source
from ablab.data.image_set import ImageSet
from ablab.data.module import InMemoryDataModule


def digits(val_fraction: float = 0.2, split_seed: int | None = None) -> InMemoryDataModule:
    """Return 1437 training and 360 test images of ten digits, 32x32, one channel.

    Args:
        val_fraction: share of the training images for validation, in (0, 1).
        split_seed: seed of that split; None for the trial's seed.

    Source: Alpaydin and Kaynak 1998 (UCI), through scikit-learn; enlarging and split are ours
    (see `ablab.data.digits.read`).
    """
    image_set = ImageSet(
        name="digits",
        in_channels=1,
        image_size=32,
        class_names=tuple("0123456789"),
        fingerprint=source.FINGERPRINT,
        read=source.read,
    )
    return InMemoryDataModule(image_set, val_fraction, split_seed)
