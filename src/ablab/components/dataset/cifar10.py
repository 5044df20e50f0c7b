"""CIFAR-10: small photographs of ten classes."""

from ablab.data import cifar
from ablab.data.image_set import ImageSet
from ablab.data.module import InMemoryDataModule
from ablab.data.sources import CIFAR10


def cifar10(val_fraction: float = 0.1, split_seed: int | None = None) -> InMemoryDataModule:
    """Return 50,000 training and 10,000 test images of ten classes, 32x32, three channels.

    Args:
        val_fraction: share of the training images for validation, in (0, 1).
        split_seed: seed of that split; None for the trial's seed.

    Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    image_set = ImageSet(
        name="cifar10",
        in_channels=3,
        image_size=32,
        class_names=cifar.CIFAR10_CLASSES,
        fingerprint=CIFAR10.fingerprint,
        read=cifar.read10,
    )
    return InMemoryDataModule(image_set, val_fraction, split_seed)
