"""Exact mean and standard deviation of bytes, from their histogram."""

import numpy as np
from numpy.typing import NDArray

from ablab.data.image_set import Bytes

Histogram = NDArray[np.int64]
Moments = tuple[tuple[float, ...], tuple[float, ...]]

_BLOCK = 1000  # images at a time: bincount casts bytes to int64, eight times the memory


def histogram(images: Bytes, chosen: NDArray[np.int64] | None = None) -> Histogram:
    """Return the count of each of 256 values in each channel, (C, 256).

    Args:
        images: (N, H, W, C).
        chosen: (n,), indices of the images to count; None for all.
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
    """Return the histogram of some images, counting them or the rest, whichever are fewer.

    Args:
        chosen: (n,), indices of the images, ascending.
        images: (N, H, W, C).
        whole: histogram of all images.
    """
    is_rest = np.ones(len(images), np.bool_)
    is_rest[chosen] = False
    rest = np.flatnonzero(is_rest)
    return whole - histogram(images, rest) if len(rest) < len(chosen) else histogram(images, chosen)


def moments(counts: Histogram) -> Moments:
    """Return mean and population standard deviation of each channel, for pixels in [0, 1].

    Exact up to the last rounding. A constant channel has standard deviation 1, so that dividing by
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
