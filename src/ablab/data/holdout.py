"""Holds out a test part of the user's images where they have none."""

from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ablab import streams
from ablab.data.errors import DataError
from ablab.data.image_set import Bytes

Labels = NDArray[np.integer]


def hold_out_test(
    parts: Mapping[str, tuple[Bytes, Labels]], test_fraction: float, test_seed: int
) -> dict[str, Bytes]:
    """Return the arrays of an image set, with a test part drawn from the training part if needed.

    The draw is stratified: the same share of each class, at least one image. It depends on
    ``test_seed`` alone, so that all trials are tested on the same images.

    Args:
        parts: images and labels of ``train``, and of ``val`` and ``test`` where they exist.
        test_fraction: share of each class, in (0, 1).
        test_seed: of the draw.

    Raises:
        DataError: a class has no training image left.
    """
    parts = dict(parts)
    if "test" not in parts:
        images, labels = parts["train"]
        is_test = _draw_test(labels, test_fraction, test_seed)
        parts["train"] = images[~is_test], labels[~is_test]
        parts["test"] = images[is_test], labels[is_test]
    arrays = {f"{part}_images": images for part, (images, _) in parts.items()}
    labels_of = {f"{part}_labels": labels for part, (_, labels) in parts.items()}
    # cast: labels of more than 256 classes are wider than a byte
    return arrays | cast("dict[str, Bytes]", labels_of)


def _draw_test(labels: Labels, fraction: float, seed: int) -> NDArray[np.bool_]:
    is_test = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels).tolist():
        indices = np.flatnonzero(labels == label)
        num_test = max(1, round(fraction * len(indices)))
        if num_test == len(indices):
            raise DataError(
                "dataset.test_fraction must leave each class an image to train on, "
                f"got {fraction} of {len(indices)} of class {label}"
            )
        rng = np.random.Generator(np.random.PCG64(streams.derive(seed, "test", label)))
        is_test[rng.permutation(indices)[:num_test]] = True
    return is_test
