"""Cross-correlation, convolution, and their gradients."""

import numpy as np

from ablab.reference.sizes import Padding, Size
from ablab.reference.windows import Array, add_windows, windows


def cross_correlation(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> Array:
    """Return the cross-correlation, which networks call a convolution: the kernel is not flipped.

    Formula:
        y[n, o, i, j] = b[o] + sum_{c,u,v} w[o, c, u, v] x[n, c, s i + d u - p, s j + d v - p]

    The windows are the columns of a matrix, so that one matrix product suffices. A layer has
    k k C O weights and O biases, independent of the image (the notes count differently).

    Args:
        x: (N, C, H, W).
        weight: (O, C, k, k).
        bias: (O,).
        stride: s, >= 1.
        padding: p, >= 0, or ``"valid"``, ``"same"``, ``"full"``.
        dilation: d, >= 1.

    Returns:
        (N, O, H', W'), sizes by `ablab.reference.sizes.output_size`.

    Raises:
        ValueError: a value is out of its range, or no window fits.

    Source: Goodfellow et al. 2016, Deep Learning, equation 9.6.
    """
    taken = windows(x, _kernel(weight), stride=stride, padding=padding, dilation=dilation)
    y = weight.reshape(len(weight), -1) @ _columns(taken)
    if bias is not None:
        y += bias[:, None]
    return y.reshape(len(weight), len(x), *taken.shape[4:]).swapaxes(0, 1)


def input_gradient(
    dy: Array,
    weight: Array,
    image: tuple[int, int],
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> Array:
    """Return the gradient of `cross_correlation` with respect to its images.

    Formula:
        dx[n, c, y, z] = sum_{o,u,v} w[o, c, u, v] dy[n, o, i, j]
                         where s i + d u - p = y, s j + d v - p = z

    At stride 1 and no padding this is the full convolution of dy with the kernel, that is, the
    full cross-correlation with the flipped one.

    Args:
        dy: (N, O, H', W'), the gradient with respect to the output.
        weight: (O, C, k, k).
        image: (H, W) of the images.
        stride: s, as in the forward pass.
        padding: p, as in the forward pass.
        dilation: d, as in the forward pass.

    Returns:
        (N, C, H, W).

    Source: LeCun et al. 1989, Backpropagation applied to handwritten zip code recognition.
    """
    num_outputs, channels, kh, kw = weight.shape
    num_images, _, rows, columns = dy.shape
    parts = weight.reshape(num_outputs, -1).T @ _flat(dy)
    parts = parts.reshape(channels, kh, kw, num_images, rows, columns)
    return add_windows(
        parts.transpose(1, 2, 3, 0, 4, 5), image, stride=stride, padding=padding, dilation=dilation
    )


def weight_gradient(
    dy: Array,
    x: Array,
    kernel: tuple[int, int],
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> Array:
    """Return the gradient of `cross_correlation` with respect to its weights.

    Formula:
        dw[o, c, u, v] = sum_{n,i,j} dy[n, o, i, j] x[n, c, s i + d u - p, s j + d v - p]

    Args:
        dy: (N, O, H', W'), the gradient with respect to the output.
        x: (N, C, H, W), the images.
        kernel: (k, k), rows and columns.
        stride: s, as in the forward pass.
        padding: p, as in the forward pass.
        dilation: d, as in the forward pass.

    Returns:
        (O, C, k, k).

    Source: LeCun et al. 1989, as above: the sum is over all positions that share the weight.
    """
    taken = windows(x, kernel, stride=stride, padding=padding, dilation=dilation)
    return (_flat(dy) @ _columns(taken).T).reshape(dy.shape[1], x.shape[1], *kernel)


def bias_gradient(dy: Array) -> Array:
    """Return the gradient of a convolution with respect to its biases.

    Formula:
        db[o] = sum_{n,i,j} dy[n, o, i, j]

    Args:
        dy: (N, O, H', W'), the gradient with respect to the output.

    Source: LeCun et al. 1989, as above.
    """
    total: Array = dy.sum(axis=(0, 2, 3))
    return total


def convolution(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> Array:
    """Return the convolution of mathematics: the cross-correlation with the flipped kernel.

    Formula:
        y[n, o, i, j] = b[o] + sum_{c,u,v} w[o, c, k-1-u, k-1-v] x[n, c, s i + d u - p, ...]

    Its gradients are those of `cross_correlation` with the flipped kernel; the gradient of the
    weights is flipped again.

    Args:
        x: (N, C, H, W).
        weight: (O, C, k, k).
        bias: (O,).
        stride: s, >= 1.
        padding: p, see `cross_correlation`.
        dilation: d, >= 1.

    Returns:
        (N, O, H', W').

    Source: Goodfellow et al. 2016, Deep Learning, equation 9.4.
    """
    return cross_correlation(
        x, flipped(weight), bias, stride=stride, padding=padding, dilation=dilation
    )


def flipped(weight: Array) -> Array:
    """Return kernels rotated by 180 degrees.

    Formula:
        f[o, c, u, v] = w[o, c, k-1-u, k-1-v]

    Args:
        weight: (O, C, k, k).

    Source: Goodfellow et al. 2016, Deep Learning, section 9.1.
    """
    return weight[:, :, ::-1, ::-1]


def _kernel(weight: Array) -> tuple[int, int]:
    rows, columns = weight.shape[2:]
    return rows, columns


def _columns(taken: Array) -> Array:
    """Return windows (k, k, N, C, H', W') as a matrix (C k k, N H' W')."""
    kh, kw, _, channels = taken.shape[:4]
    return taken.transpose(3, 0, 1, 2, 4, 5).reshape(channels * kh * kw, -1)


def _flat(dy: Array) -> Array:
    """Return (N, O, H', W') as a matrix (O, N H' W')."""
    return np.ascontiguousarray(dy.swapaxes(0, 1)).reshape(dy.shape[1], -1)
