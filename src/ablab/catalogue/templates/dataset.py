"""A custom data set. Image files and .npz files need no code: see ``dataset=folder``."""

import hashlib
from pathlib import Path

import numpy as np

from ablab.data.image_set import Bytes, ImageSet
from ablab.data.module import InMemoryDataModule


def mine(val_fraction: float, split_seed: int | None) -> InMemoryDataModule:
    """Return striped images, 32x32, one channel; the class is the stripes' direction.

    Args:
        val_fraction: share of the training images for validation, in (0, 1).
        split_seed: seed of that split; None for the trial's seed.

    Source: ours; state the source here.
    """
    image_set = ImageSet(
        name="mine",
        in_channels=1,
        image_size=32,
        class_names=("horizontal", "vertical"),
        # Must change with what `read` returns: here a hash of this file. Include the files that
        # `read` reads, else their changes are not noticed.
        fingerprint=hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16],
        read=read,
    )
    return InMemoryDataModule(image_set, val_fraction, split_seed)


def read() -> dict[str, Bytes]:
    """Return images (N, H, W, C) and labels (N,), all bytes, of the train and the test part."""
    random = np.random.default_rng(0)
    return {**_part("train", 400, random), **_part("test", 100, random)}


def _part(part: str, count: int, random: np.random.Generator) -> dict[str, Bytes]:
    labels = np.arange(count) % 2
    stripes = np.sin(np.arange(32) * random.uniform(0.4, 1.2, (count, 1)))  # one width per image
    rows = np.broadcast_to(stripes[:, :, None], (count, 32, 32))
    images = np.where(labels[:, None, None] == 0, rows, rows.swapaxes(1, 2))
    noisy = 128 + 60 * images + random.normal(0, 40, images.shape)
    return {
        f"{part}_images": noisy.clip(0, 255).astype(np.uint8)[..., None],
        f"{part}_labels": labels.astype(np.uint8),
    }
