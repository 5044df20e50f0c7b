"""What a set of images is, before any of it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class ImageSet:
    """A set of square images with its fixed train and test parts, and a validation part or none.

    Everything but the pixels is known without a file, so that a network can be built for data
    that is not there yet.

    Attributes:
        name: one word; names the folder in the cache.
        in_channels: 1 or 3.
        image_size: height and width, in pixels.
        class_names: in the order of the labels 0, 1, ….
        fingerprint: names the content that ``read`` returns: other content, other fingerprint.
        read: returns ``train_images`` and ``test_images``, (N, H, W, C), and the labels, (N,), as
            ``train_<labels>`` and ``test_<labels>``; raises `DataError` where the source is
            missing or is not what it should be.
        labels: which of the labels that ``read`` returns are the classes.
        has_val: ``read`` returns ``val_images`` and ``val_<labels>`` as well.
        notes: sentences on how the source was read, and on what of it was not.
        unread: what of the source was not read, each entry named.
    """

    name: str
    in_channels: int
    image_size: int
    class_names: tuple[str, ...]
    fingerprint: str
    read: Callable[[], Mapping[str, Bytes]]
    labels: str = "labels"
    has_val: bool = False
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
