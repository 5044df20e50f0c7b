"""Formatting of metrics, numbers and sizes: accuracies in per cent, differences in points."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablab.text import is_accuracy

MINUS = "\N{MINUS SIGN}"
NONE = "–"
MOST_LISTED = 8


@dataclass(frozen=True)
class Unit:
    """Formats the values of one metric.

    Attributes:
        scale: factor from a value to the number that is shown.
        decimals: number of decimals.
        suffix: text after a value.
        points: text after a difference.
    """

    scale: float
    decimals: int
    suffix: str
    points: str

    def value(self, x: float) -> str:
        """Return a value: ``99.13 %``."""
        return format_number(x * self.scale, self.decimals) + (
            self.suffix if math.isfinite(x) else ""
        )

    def size(self, x: float) -> str:
        """Return a difference without its sign: ``1.20 points``."""
        return format_number(abs(x) * self.scale, self.decimals) + self.points

    def bare(self, x: float, *, signed: bool = False) -> str:
        """Return a number without its unit: ``1.20``, or ``+1.20``."""
        text = format_number(x * self.scale, self.decimals)
        return f"+{text}" if signed and x > 0 and text.strip("0.") else text

    def interval(self, bounds: tuple[float, float] | None) -> str:
        """Return an interval without its unit: ``0.70 to 1.70``."""
        return NONE if bounds is None else f"{self.bare(bounds[0])} to {self.bare(bounds[1])}"

    def value_axis(self, name: str) -> str:
        """Return the label of an axis of values: ``test/accuracy, %``."""
        return name + (f",{self.suffix}" if self.suffix else "")

    def difference_axis(self, name: str) -> str:
        """Return the label of an axis of differences: ``difference to relu, points``."""
        return name + (f",{self.points}" if self.points else "")

    def span(self, sizes: Sequence[float], each: str = "variant") -> str:
        """Return the range of the sizes that are not NaN: ``0.10 to 0.30 points, by variant``."""
        known = [size for size in sizes if not math.isnan(size)]
        if not known:
            return ""
        low, high = self.size(min(known)), self.size(max(known))
        return high if low == high else f"{self.bare(min(known))} to {high}, by {each}"


def format_metric(value: float | None, metric: str) -> str:
    """Return the value of a metric; a dash if there is none.

    Example:
        >>> format_metric(0.984, "val/accuracy"), format_metric(2.156, "val/loss")
        ('98.40 %', '2.1560')
    """
    return NONE if value is None else unit_of(metric).value(value)


_PERCENT = Unit(100.0, 2, " %", " points")
_UNITS: Mapping[str, Unit] = {  # of the metrics that are neither an accuracy nor a plain number
    "probe/sparsity": _PERCENT,
    "probe/saturated": _PERCENT,
    "probe/dead": _PERCENT,
    "gap/selection": _PERCENT,
    "speed/epochs": Unit(1.0, 1, " epochs", " epochs"),
    "best/epoch": Unit(1.0, 1, "", " epochs"),
    "speed/seconds": Unit(1.0, 2, " s", " s"),
    "time/epoch_seconds": Unit(1.0, 3, " s", " s"),
    "time/total_seconds": Unit(1.0, 2, " s", " s"),
    "throughput/images_per_second": Unit(1.0, 0, " images/s", " images/s"),
    "memory/peak_bytes": Unit(1e-6, 1, " MB", " MB"),
    "parameters": Unit(1.0, 0, " parameters", " parameters"),
    "flops": Unit(1e-6, 3, " MFLOPs", " MFLOPs"),
    "probe/receptive_field": Unit(1.0, 2, " pixels", " pixels"),
    "width/decades": Unit(1.0, 2, " decades", " decades"),
}


def unit_of(metric: str, stated: str = "") -> Unit:
    """Return the unit of a metric.

    Args:
        metric: named like ``test/accuracy``.
        stated: ``share`` or ``none``; by default the name decides.
    """
    if not stated and metric in _UNITS:
        return _UNITS[metric]
    if stated == "share" or (not stated and is_accuracy(metric)):
        return _PERCENT
    return Unit(1.0, 4, "", "")


def format_number(x: float, decimals: int) -> str:
    """Return a number with so many decimals; up to four more if it would look like zero and is not.

    Example:
        >>> [format_number(x, 2) for x in (1.234, 0.004, 1e-17, float("nan"))]
        ['1.23', '0.004', '0.00', '–']
    """
    if not math.isfinite(x):
        return NONE
    if x != 0 and round(abs(x), decimals) == 0:
        needed = -math.floor(math.log10(abs(x)))
        decimals = needed if needed <= decimals + 4 else decimals
    text = f"{abs(x):.{decimals}f}"
    return MINUS + text if x < 0 and float(text) else text


def format_percent(share: float, decimals: int) -> str:
    """Return a share in per cent, with so many decimals.

    Example:
        >>> format_percent(0.451, 0)
        '45 %'
    """
    return f"{100 * share:.{decimals}f} %"


def format_p_value(p: float) -> str:
    """Return a p-value, never rounded across 0.05.

    Example:
        >>> [format_p_value(p) for p in (0.0002, 0.0031, 0.0503, 0.36)]
        ['< 0.001', '0.003', '0.0503', '0.36']
    """
    if math.isnan(p):
        return NONE
    if p < 0.001:
        return "< 0.001"
    if p >= 0.1:
        return f"{p:.2f}"
    return f"{p:.4f}" if f"{p:.3f}" == "0.050" else f"{p:.3f}"


def format_quantity(x: float) -> str:
    """Return a number to three digits, with a prefix from a thousand on.

    Example:
        >>> [format_quantity(x) for x in (61706, 423000.0, 12.34, 5.6e8)]
        ['61.7 k', '423 k', '12.3', '560 M']
    """
    if not math.isfinite(x):
        return NONE
    for factor, prefix in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(x) >= factor * 0.9995:
            return _three_digits(x / factor) + prefix
    return _three_digits(x)


def _three_digits(x: float) -> str:
    if x == int(x) and abs(x) < 1000:
        return str(int(x))
    return f"{x:.{max(0, 2 - math.floor(math.log10(abs(x))))}f}"


def format_size(size: float) -> str:
    """Format bytes to two or three digits: ``4.2 MB``, ``38 MB``, ``1.50 GB``.

    Example:
        >>> format_size(4.25e6), format_size(2e8), format_size(1.5e9), format_size(3e10)
        ('4.2 MB', '200 MB', '1.50 GB', '30 GB')
    """
    if size < 1e9:
        return f"{size / 1e6:.1f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB"
    return f"{size / 1e9:.2f} GB" if size < 1e10 else f"{size / 1e9:.0f} GB"


def join_words(words: list[str]) -> str:
    """Return words as a list in a sentence; of many only the first, and how many more.

    Example:
        >>> join_words(["a", "b"]), join_words(list("abcdefghijk"))
        ('a and b', 'a, b, c, d, e, f, g and 4 more')
    """
    if len(words) > MOST_LISTED:
        words = [*words[: MOST_LISTED - 1], f"{len(words) - MOST_LISTED + 1} more"]
    return join_all(words)


def join_all(words: list[str]) -> str:
    """Return words as a list in a sentence.

    Example:
        >>> join_all(["a", "b", "c"]), join_all(["a"])
        ('a, b and c', 'a')
    """
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def format_json(document: Mapping[str, Any]) -> str:
    r"""Return a document as JSON text; numbers that are not finite become null.

    Example:
        >>> format_json({"loss": float("nan"), "epochs": [1, 2]})
        '{\n "loss": null,\n "epochs": [\n  1,\n  2\n ]\n}\n'
    """
    return json.dumps(_finite(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def format_duration(seconds: float) -> str:
    """Format a duration to two or three digits: ``42 s``, ``12 min``, ``3.4 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
