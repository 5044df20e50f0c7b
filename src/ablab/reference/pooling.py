"""Max and mean pooling: the largest value and the mean of each window."""

import numpy as np

from ablab.reference.sizes import Padding, Size
from ablab.reference.windows import Array, add_windows, windows


def max_pool(
    x: Array, kernel: Size, stride: Size, *, padding: Padding = 0, dilation: Size = 1
) -> Array:
    """Return the largest value of each window.

    Formula:
        y[n, c, i, j] = max_{u,v} x[n, c, s i + d u - p, s j + d v - p]

    Args:
        x: (N, C, H, W).
        kernel: side of a window, in pixels, >= 1, or (rows, columns), as are all others.
        stride: s, >= 1.
        padding: p; border pixels are never the maximum.
        dilation: d, >= 1.

    Returns:
        (N, C, H', W'), sizes by `ablab.reference.sizes.output_size`.

    Source: Riesenhuber and Poggio 1999, Hierarchical models of object recognition in cortex.
    """
    taken = windows(x, kernel, stride=stride, padding=padding, dilation=dilation, border=-np.inf)
    largest: Array = taken.max(axis=(0, 1))
    return largest


def max_pool_gradient(
    dy: Array, x: Array, kernel: Size, stride: Size, *, padding: Padding = 0, dilation: Size = 1
) -> Array:
    """Return the gradient of `max_pool`, which goes to the first maximum of each window.

    Formula:
        dx[n, c, y, z] = sum of dy[n, c, i, j] over the windows whose largest value is at (y, z)

    Args:
        dy: (N, C, H', W'), the gradient with respect to the output.
        x: (N, C, H, W), the input.
        kernel: as in the forward pass.
        stride: as in the forward pass.
        padding: as in the forward pass.
        dilation: as in the forward pass.

    Source: LeCun et al. 1998 is for means; the choice among equal values is torch's: the first.
    """
    taken = windows(x, kernel, stride=stride, padding=padding, dilation=dilation, border=-np.inf)
    free = np.ones(dy.shape, bool)
    parts = np.zeros((*taken.shape[:2], *dy.shape))
    largest = taken.max(axis=(0, 1))
    for offset in np.ndindex(*taken.shape[:2]):
        first = free & (taken[offset] == largest)
        parts[offset] = first * dy
        free &= ~first
    return add_windows(
        parts, (x.shape[2], x.shape[3]), stride=stride, padding=padding, dilation=dilation
    )


def mean_pool(
    x: Array, kernel: Size, stride: Size, *, padding: Padding = 0, count_border: bool = False
) -> Array:
    """Return the mean of each window.

    Formula:
        y[n, c, i, j] = sum_{u,v} x[n, c, s i + u - p, s j + v - p] / m[i, j]

    Args:
        x: (N, C, H, W).
        kernel: side of a window, in pixels, >= 1, or (rows, columns), as are all others.
        stride: s, >= 1.
        padding: p.
        count_border: count all pixels of a window in m, not only those of the image.

    Returns:
        (N, C, H', W').

    Source: LeCun et al. 1990, Handwritten digit recognition with a back-propagation network.
    """
    taken = windows(x, kernel, stride=stride, padding=padding)
    means: Array = taken.sum(axis=(0, 1)) / counts(
        x, kernel, stride, padding, count_border=count_border
    )
    return means


def mean_pool_gradient(
    dy: Array,
    x: Array,
    kernel: Size,
    stride: Size,
    *,
    padding: Padding = 0,
    count_border: bool = False,
) -> Array:
    """Return the gradient of `mean_pool`, divided equally among the pixels of a window.

    Formula:
        dx[n, c, y, z] = sum of dy[n, c, i, j] / m[i, j] over the windows that hold (y, z)

    Args:
        dy: (N, C, H', W'), the gradient with respect to the output.
        x: (N, C, H, W), the input.
        kernel: as in the forward pass.
        stride: as in the forward pass.
        padding: as in the forward pass.
        count_border: as in the forward pass.

    Source: LeCun et al. 1990, as above.
    """
    shares = dy / counts(x, kernel, stride, padding, count_border=count_border)
    shape = windows(x, kernel, stride=stride, padding=padding).shape
    parts = np.broadcast_to(shares, shape)
    return add_windows(parts, (x.shape[2], x.shape[3]), stride=stride, padding=padding)


def counts(x: Array, kernel: Size, stride: Size, padding: Padding, *, count_border: bool) -> Array:
    """Return the number of counted pixels of each window.

    Formula:
        m[i, j] = number of (u, v) whose pixel lies in the image, or on the border where it counts

    Args:
        x: (N, C, H, W), the images.
        kernel: side of a window, in pixels.
        stride: s.
        padding: p.
        count_border: whether the border counts.

    Returns:
        (1, 1, H', W').

    Source: torch's AvgPool2d.
    """
    ones = np.ones((1, 1, *x.shape[2:]))
    taken = windows(ones, kernel, stride=stride, padding=padding, border=float(count_border))
    counts: Array = taken.sum(axis=(0, 1))
    return counts
