"""Mean and deviation of bytes, exactly: from how often each value occurs."""

import numpy as np
from numpy.typing import NDArray

from ablab.data.image_set import Bytes

Histogram = NDArray[np.int64]
Moments = tuple[tuple[float, ...], tuple[float, ...]]

_BLOCK = 1000  # images at a time: counting widens bytes to eight


def histogram(images: Bytes, chosen: NDArray[np.int64] | None = None) -> Histogram:
    """Return how often each of 256 values occurs in each channel, (C, 256).

    Args:
        images: (N, H, W, C).
        chosen: (n,), which of them count; None: all.
    """
    counts = np.zeros((images.shape[-1], 256), np.int64)
    n = len(images) if chosen is None else len(chosen)
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        part = images[block] if chosen is None else images[chosen[block]]
        for channel in range(len(counts)):
            counts[channel] += np.bincount(part[..., channel].ravel(), minlength=256)
    return counts


def histogram_of(chosen: NDArray[np.int64], images: Bytes, whole: Histogram) -> Histogram:
    """Return the histogram of some images, counting no more of them than need be.

    Args:
        chosen: (n,), ascending, which of the images.
        images: (N, H, W, C).
        whole: the histogram of all of them.
    """
    is_left = np.ones(len(images), np.bool_)
    is_left[chosen] = False
    left = np.flatnonzero(is_left)
    return whole - histogram(images, left) if len(left) < len(chosen) else histogram(images, chosen)


def moments(counts: Histogram) -> Moments:
    """Return mean and population standard deviation of each channel, of pixels in [0, 1].

    Exact up to the last rounding. A channel of one value has deviation 1, so that dividing by
    it changes nothing.

    Args:
        counts: (C, 256).
    """
    mean, std = [], []
    for row in counts.tolist():
        total, first, second = (
            sum(count * value**power for value, count in enumerate(row)) for power in range(3)
        )
        variance = second * total - first**2
        mean.append(first / total / 255)
        std.append(variance**0.5 / total / 255 if variance else 1.0)
    return tuple(mean), tuple(std)
