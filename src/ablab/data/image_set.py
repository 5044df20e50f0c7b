"""The description of a set of images, available before any image is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class ImageSet:
    """Describes square images with fixed train and test parts, and optionally a validation part.

    Everything but the pixels is known without a file, so that a network can be built for data that
    are not downloaded yet.

    Attributes:
        name: one word, the name of its folder in the cache.
        in_channels: 1 or 3.
        image_size: height and width, in pixels.
        class_names: in the order of the labels 0, 1, ….
        fingerprint: identifies the content that ``read`` returns; must change with it.
        read: returns ``train_images`` and ``test_images``, (N, H, W, C), and the labels, (N,), as
            ``train_<labels>`` and ``test_<labels>``; raises `DataError` where the source is
            missing or invalid.
        labels: the labels that are the classes, where ``read`` returns several.
        has_val: whether ``read`` returns ``val_images`` and ``val_<labels>`` as well.
        notes: sentences on how the source was read.
        unread: files and folders of the source that were not read.
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
