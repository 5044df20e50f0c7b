"""Transposed convolution: the backward pass of a convolution as a layer."""

from ablab.reference import convolution
from ablab.reference.sizes import Size, pair
from ablab.reference.windows import Array


def transposed_size(
    n: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1, extra: int = 0
) -> int:
    """Return the side of a transposed convolution's output.

    Formula:
        n' = (n - 1)s - 2p + d(k - 1) + e + 1

    Args:
        n: the input's side, >= 1.
        kernel: k.
        stride: s, the distance of two input pixels in the output.
        padding: p, pixels removed at each end.
        dilation: d.
        extra: e, in [0, s), selects one of the sizes that a convolution maps to the same size.

    Raises:
        ValueError: nothing is left, or ``extra`` is out of its range.

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, relationship 14.

    Example:
        >>> transposed_size(14, kernel=2, stride=2)
        28
    """
    if not 0 <= extra < stride:
        raise ValueError(f"extra must be in [0, stride), got {extra}")
    size = (n - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
    if size < 1:
        raise ValueError(f"padding must leave a pixel of the output, got {padding}")
    return size


def transposed_convolution(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    extra: Size = 0,
) -> Array:
    """Return the fractionally strided convolution.

    Formula:
        y[n, c, s i + d u - p, s j + d v - p] = b[c] + sum of w[o, c, u, v] x[n, o, i, j]

    Args:
        x: (N, O, H, W).
        weight: (O, C, k, k), as in torch: input planes first.
        bias: (C,).
        stride: s, >= 1.
        padding: p, >= 0.
        dilation: d, >= 1.
        extra: e, in [0, s), see `transposed_size`.

    Returns:
        (N, C, H', W').

    Raises:
        ValueError: nothing of the output is left, or ``extra`` is out of its range.

    Source: Zeiler et al. 2010, Deconvolutional networks; Dumoulin and Visin 2016, section 4.
    """
    size = [
        transposed_size(n, k, stride=s, padding=p, dilation=d, extra=e)
        for n, k, s, p, d, e in zip(
            x.shape[2:],
            weight.shape[2:],
            *(pair(value) for value in (stride, padding, dilation, extra)),
            strict=True,
        )
    ]
    y = convolution.input_gradient(
        x, weight, (size[0], size[1]), stride=stride, padding=padding, dilation=dilation
    )
    return y if bias is None else y + bias[:, None, None]


def input_gradient(
    dy: Array, weight: Array, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> Array:
    """Return the gradient of `transposed_convolution` with respect to its input.

    Formula:
        dx[n, o, i, j] = sum_{c,u,v} w[o, c, u, v] dy[n, c, s i + d u - p, s j + d v - p]

    Args:
        dy: (N, C, H', W'), the gradient with respect to the output.
        weight: (O, C, k, k).
        stride: s, as in the forward pass.
        padding: p, as in the forward pass.
        dilation: d, as in the forward pass.

    Returns:
        (N, O, H, W).

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, section 4.
    """
    return convolution.cross_correlation(
        dy, weight, stride=stride, padding=padding, dilation=dilation
    )


def weight_gradient(
    dy: Array,
    x: Array,
    kernel: tuple[int, int],
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
) -> Array:
    """Return the gradient of `transposed_convolution` with respect to its weights.

    Formula:
        dw[o, c, u, v] = sum_{n,i,j} x[n, o, i, j] dy[n, c, s i + d u - p, s j + d v - p]

    Args:
        dy: (N, C, H', W'), the gradient with respect to the output.
        x: (N, O, H, W), the input.
        kernel: (k, k), rows and columns.
        stride: s, as in the forward pass.
        padding: p, as in the forward pass.
        dilation: d, as in the forward pass.

    Returns:
        (O, C, k, k).

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, section 4.
    """
    return convolution.weight_gradient(
        x, dy, kernel, stride=stride, padding=padding, dilation=dilation
    )
