"""Sliding windows over images and their adjoint, the basis of convolution and pooling."""

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from ablab.reference.sizes import Padding, Size, count, pair, sides

Array = NDArray[np.float64]


def windows(
    x: Array,
    kernel: Size,
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    border: float = 0.0,
) -> Array:
    """Return all windows of images, as a view that copies no pixel.

    Formula:
        windows[u, v, n, c, i, j] = x[n, c, s i + d u - p, s j + d v - p]

    Args:
        x: (N, C, H, W).
        kernel: k, size of a window, in pixels; a number or (rows, columns), like the others.
        stride: s.
        padding: p, see `sides`.
        dilation: d.
        border: value of the padding.

    Returns:
        (k, k, N, C, H', W'), read-only.

    Raises:
        ValueError: a value is out of its range, or no window fits.

    Source: Chellapilla et al. 2006, High performance convolutional neural networks for document
        processing, section 3 (there the windows are copied).
    """
    (kh, kw), (sh, sw), (dh, dw) = pair(kernel), pair(stride), pair(dilation)
    above_below, left_right = sides(padding, (kh, kw), (dh, dw))
    if any(above_below + left_right):
        x = np.pad(x, ((0, 0), (0, 0), above_below, left_right), constant_values=border)
    num_images, channels, height, width = x.shape
    rows, columns = count(height, kh, sh, dh), count(width, kw, sw, dw)
    n, c, h, w = x.strides
    return as_strided(
        x,
        shape=(kh, kw, num_images, channels, rows, columns),
        strides=(dh * h, dw * w, n, c, sh * h, sw * w),
        writeable=False,
    )


def add_windows(
    parts: Array,
    image: tuple[int, int],
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> Array:
    """Return images as the sum of their windows: the adjoint of `windows`.

    Formula:
        x[n, c, y, z] = sum of parts[u, v, n, c, i, j] where s i + d u - p = y, s j + d v - p = z

    Args:
        parts: (k, k, N, C, H', W').
        image: (H, W), without the border; values on the border are dropped.
        stride: s, as in `windows`.
        padding: p, as in `windows`.
        dilation: d, as in `windows`.

    Returns:
        (N, C, H, W).

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, section 4.
    """
    kh, kw, num_images, channels, rows, columns = parts.shape
    (sh, sw), (dh, dw) = pair(stride), pair(dilation)
    (above, below), (left, right) = sides(padding, (kh, kw), (dh, dw))
    height, width = image
    # Use the memory layout of `parts`: channel before image or the other way round.
    order = [3, 2] if parts.strides[3] > parts.strides[2] else [2, 3]
    outer = [parts.shape[axis] for axis in order]
    x = np.zeros((*outer, height + above + below, width + left + right))
    if order == [3, 2]:
        x = x.swapaxes(0, 1)
    for u, v in np.ndindex(kh, kw):
        down = slice(dh * u, dh * u + sh * (rows - 1) + 1, sh)
        across = slice(dw * v, dw * v + sw * (columns - 1) + 1, sw)
        x[:, :, down, across] += parts[u, v]
    assert x.shape[:2] == (num_images, channels)
    return x[:, :, above : above + height, left : left + width]
