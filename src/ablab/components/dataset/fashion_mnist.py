"""Fashion-MNIST: pieces of clothing, in the format of MNIST."""

from functools import partial

from ablab.data import idx
from ablab.data.image_set import ImageSet
from ablab.data.module import InMemoryDataModule
from ablab.data.sources import FASHION_MNIST

_CLASS_NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def fashion_mnist(val_fraction: float = 0.1, split_seed: int | None = None) -> InMemoryDataModule:
    """Return 60,000 training and 10,000 test images of ten classes, 28x28, one channel.

    Args:
        val_fraction: share of the training images for validation, in (0, 1).
        split_seed: seed of that split; None for the trial's seed.

    Source: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747.
    """
    image_set = ImageSet(
        name="fashion_mnist",
        in_channels=1,
        image_size=28,
        class_names=_CLASS_NAMES,
        fingerprint=FASHION_MNIST.fingerprint,
        read=partial(idx.read, FASHION_MNIST, 10),
    )
    return InMemoryDataModule(image_set, val_fraction, split_seed)
