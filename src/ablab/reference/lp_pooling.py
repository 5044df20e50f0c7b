"""L2 and Lp pooling: the p-norm of each window."""

from typing import Literal

import numpy as np

from ablab.reference.pooling import counts
from ablab.reference.sizes import Padding, Size
from ablab.reference.windows import Array, add_windows, windows


def lp_pool(
    x: Array,
    kernel: Size,
    stride: Size,
    *,
    padding: Padding = 0,
    p: float = 2.0,
    form: Literal["mean", "sum"] = "sum",
) -> Array:
    """Return the p-norm of each window, or its power mean; p = 2 is L2 pooling.

    Formula:
        y[n, c, i, j] = (sum_{u,v} |x[n, c, s i + u - p, s j + v - p]|^p / m[i, j])^(1/p)

    Args:
        x: (N, C, H, W).
        kernel: side of a window, in pixels, >= 1, or (rows, columns), as are all others.
        stride: s, >= 1.
        padding: border of zeros.
        p: exponent, finite, >= 1.
        form: ``"sum"``: m = 1; ``"mean"``: m counts the window's pixels that lie in the image.

    Returns:
        (N, C, H', W').

    Raises:
        ValueError: p is below 1 or infinite, or the form is unknown.

    Source: Sermanet et al. 2012, arXiv:1204.3968, section 2.2; magnitudes are ours, as torch gives
        NaN for a negative value and a fractional p.
    """
    if not 1 <= p < np.inf:
        raise ValueError(f"p must be finite and >= 1, got {p}")
    if form not in ("mean", "sum"):
        raise ValueError(f"form must be one of mean, sum, got {form}")
    taken = np.abs(windows(x, kernel, stride=stride, padding=padding))
    # The norm is homogeneous: after division by the largest magnitude no power overflows.
    largest = taken.max(axis=(0, 1))
    powers = ((taken / np.where(largest > 0, largest, 1)) ** p).sum(axis=(0, 1))
    if form == "mean":
        powers /= counts(x, kernel, stride, padding, count_border=False)
    norms: Array = largest * powers ** (1 / p)
    return norms


def lp_pool_gradient(
    dy: Array,
    x: Array,
    kernel: Size,
    stride: Size,
    *,
    padding: Padding = 0,
    p: float = 2.0,
    form: Literal["mean", "sum"] = "sum",
) -> Array:
    """Return the gradient of `lp_pool`; 0 for a window of zeros.

    Formula:
        dx[n, c, y, z] = sum of sign(x) (|x[n, c, y, z]| / y[n, c, i, j])^(p-1) dy[n, c, i, j] / m

    Args:
        dy: (N, C, H', W'), the gradient with respect to the output.
        x: (N, C, H, W), the input.
        kernel: as in the forward pass.
        stride: as in the forward pass.
        padding: as in the forward pass.
        p: as in the forward pass.
        form: as in the forward pass.

    Source: Sermanet et al. 2012, as above.
    """
    y = lp_pool(x, kernel, stride, padding=padding, p=p, form=form)
    taken = windows(x, kernel, stride=stride, padding=padding)
    shares = dy
    if form == "mean":
        shares = dy / counts(x, kernel, stride, padding, count_border=False)
    parts = np.sign(taken) * (np.abs(taken) / np.where(y > 0, y, 1)) ** (p - 1) * shares
    return add_windows(parts, (x.shape[2], x.shape[3]), stride=stride, padding=padding)
