"""CIFAR-100: small photographs of 100 classes."""

from ablab.data import cifar
from ablab.data.image_set import ImageSet
from ablab.data.module import InMemoryDataModule
from ablab.data.sources import CIFAR100


def cifar100(
    labels: str = "fine", val_fraction: float = 0.1, split_seed: int | None = None
) -> InMemoryDataModule:
    """Return 50,000 training and 10,000 test images, 32x32, three channels.

    Args:
        labels: ``"fine"`` for the 100 classes, ``"coarse"`` for the 20 superclasses.
        val_fraction: share of the training images for validation, in (0, 1).
        split_seed: seed of that split; None for the trial's seed.

    Raises:
        ValueError: ``labels`` is neither.

    Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    names = {"fine": cifar.FINE_CLASSES, "coarse": cifar.COARSE_CLASSES}
    if labels not in names:
        raise ValueError(f"labels must be one of fine, coarse, got {labels}")
    image_set = ImageSet(
        name="cifar100",
        in_channels=3,
        image_size=32,
        class_names=names[labels],
        fingerprint=CIFAR100.fingerprint,
        read=cifar.read100,
        labels=labels,
    )
    return InMemoryDataModule(image_set, val_fraction, split_seed)
