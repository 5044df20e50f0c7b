"""MNIST: handwritten digits."""

from functools import partial

from ablab.data import idx
from ablab.data.image_set import ImageSet
from ablab.data.module import InMemoryDataModule
from ablab.data.sources import MNIST


def mnist(val_fraction: float = 0.1, split_seed: int | None = None) -> InMemoryDataModule:
    """Return 60,000 training and 10,000 test images of ten digits, 28x28, one channel.

    Args:
        val_fraction: share of the training images for validation, in (0, 1).
        split_seed: seed of that split; None for the trial's seed.

    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """
    image_set = ImageSet(
        name="mnist",
        in_channels=1,
        image_size=28,
        class_names=tuple("0123456789"),
        fingerprint=MNIST.fingerprint,
        read=partial(idx.read, MNIST, 10),
    )
    return InMemoryDataModule(image_set, val_fraction, split_seed)
