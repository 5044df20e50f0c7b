"""Output sizes of windows, and the width of each padding."""

from typing import Literal

Size = int | tuple[int, int]
Padding = Size | Literal["valid", "same", "full"]
Sides = tuple[tuple[int, int], tuple[int, int]]


def output_size(
    n: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Return the number of windows along one side of an image.

    Formula:
        n' = floor((n + 2p - d(k - 1) - 1) / s) + 1

    The notes omit the floor, and claim that a smaller stride gives a smaller output; it gives a
    larger one.

    Args:
        n: the image's side, in pixels, >= 1.
        kernel: k, size of a window along this side, in pixels, >= 1.
        stride: s, distance between windows, in pixels, >= 1.
        padding: p, border on each side, in pixels, >= 0.
        dilation: d, distance between the pixels of a window, >= 1.

    Raises:
        ValueError: a value is out of its range, or no window fits.

    Source: Dumoulin and Visin 2016, arXiv:1603.07285, relationship 15.

    Example:
        >>> output_size(32, kernel=5), output_size(28, kernel=2, stride=2)
        (28, 14)
    """
    for name, value, least in (("kernel", kernel, 1), ("stride", stride, 1)):
        if value < least:
            raise ValueError(f"{name} must be >= {least}, got {value}")
    if padding < 0 or dilation < 1:
        raise ValueError(
            f"padding must be >= 0 and dilation >= 1, got padding {padding}, dilation {dilation}"
        )
    return count(n + 2 * padding, kernel, stride, dilation)


def sides(padding: Padding, kernel: tuple[int, int], dilation: tuple[int, int]) -> Sides:
    """Return the padding (above, below), (left, right), in pixels.

    Formula:
        valid: 0        same: d(k - 1) in total, the larger half last        full: d(k - 1) per side

    Args:
        padding: a number or a pair, for both ends of a side; or ``"valid"`` (narrow), ``"same"``
            (at stride 1 the output is as large as the image), ``"full"`` (wide: each window that
            touches the image).
        kernel: k, (rows, columns).
        dilation: d, (rows, columns).

    Raises:
        ValueError: the padding is negative or unknown.

    Source: Goodfellow et al. 2016, Deep Learning, section 9.5.
    """
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if padding == "same":
        return (
            (spans[0] // 2, spans[0] - spans[0] // 2),
            (spans[1] // 2, spans[1] - spans[1] // 2),
        )
    if padding in ("valid", "full"):
        rows, columns = spans if padding == "full" else (0, 0)
    elif isinstance(padding, str) or min(pair(padding)) < 0:
        raise ValueError(f"padding must be >= 0, valid, same or full, got {padding}")
    else:
        rows, columns = pair(padding)
    return (rows, rows), (columns, columns)


def pair(value: Size) -> tuple[int, int]:
    """Return a pair; a number is used for both."""
    return (value, value) if isinstance(value, int) else value


def count(n: int, kernel: int, stride: int, dilation: int) -> int:
    """Return the number of windows along a side that includes the border.

    Formula:
        n' = floor((n - d(k - 1) - 1) / s) + 1

    Args:
        n: the side, border included.
        kernel: k.
        stride: s.
        dilation: d.

    Raises:
        ValueError: a value is out of its range, or no window fits.

    Source: Dumoulin and Visin 2016, as above.
    """
    span = dilation * (kernel - 1) + 1
    if not 1 <= span <= n or stride < 1 or dilation < 1:
        raise ValueError(
            f"a window must fit the padded image of {n} pixels, got kernel {kernel}, "
            f"stride {stride}, dilation {dilation}"
        )
    return (n - span) // stride + 1
