"""The space of a search: for each key a list of values, or a range of numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ablab.config.content import is_integer, is_number
from ablab.faults import unknown_name
from ablab.text import format_name, format_value

_EDGE = 0.02  # of a range's width: closer to an end counts as on the edge
_RANGE_KEYS = ("low", "high", "log")


@dataclass(frozen=True)
class Values:
    """A list of values.

    Attributes:
        values: distinct, in the order of the YAML.
    """

    values: tuple[Any, ...]

    def plain(self) -> list[Any]:
        """Return it as the YAML writes it."""
        return list(self.values)

    def corners(self) -> tuple[Any, ...]:
        """Return the values that must be valid for the whole list to be."""
        return self.values

    def has(self, value: Any) -> bool:
        """Return whether a value is in the list."""
        return value in self.values

    def is_edge(self, value: Any) -> bool:
        """Return whether no number of the list is smaller, or none larger."""
        numbers = [each for each in self.values if is_number(each)]
        return is_number(value) and len(numbers) > 1 and not min(numbers) < value < max(numbers)


@dataclass(frozen=True)
class Range:
    """A range of numbers, both ends included.

    Attributes:
        low: the smallest.
        high: the largest.
        log: whether it is searched on a logarithmic scale.
        is_whole: whether only integers are in it.
    """

    low: float
    high: float
    log: bool = False
    is_whole: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it as the YAML writes it."""
        return {"low": self.low, "high": self.high} | ({"log": True} if self.log else {})

    def corners(self) -> tuple[Any, ...]:
        """Return the values that must be valid for the whole range to be."""
        return (self.low, self.high)

    def at(self, share: float) -> float:
        """Return the number at a share of the way from low to high, on the range's scale.

        Args:
            share: in [0, 1).
        """
        if self.is_whole and not self.log:
            return int(self.low) + int(share * (self.high - self.low + 1))
        if self.log:
            return self.near(self.low * (self.high / self.low) ** share)
        return self.near(self.low + share * (self.high - self.low))

    def near(self, value: float) -> float:
        """Return the nearest number of the range with four digits, as a person would write it."""
        written = round(value) if self.is_whole else float(f"{value:.4g}")
        return min(max(written, self.low), self.high)

    def has(self, value: Any) -> bool:
        """Return whether a value is a number of the range."""
        return is_number(value) and self.low <= value <= self.high

    def is_edge(self, value: Any) -> bool:
        """Return whether a number is at an end, or within 2 % of the range's width of one."""
        if self.is_whole and value in (self.low, self.high):
            return True
        low, high, at = (
            (map(math.log, (self.low, self.high, value)))
            if self.log
            else (
                self.low,
                self.high,
                value,
            )
        )
        return not self.is_whole and min(at - low, high - at) <= _EDGE * (high - low)

    def for_value(self, base: Any) -> "Range":
        """Return the range for a key whose value is ``base``: of decimal numbers if that is one."""
        if self.is_whole and isinstance(base, float):
            return replace(self, low=float(self.low), high=float(self.high), is_whole=False)
        return self


Dimension = Values | Range
Space = Mapping[str, Dimension]


def read_space(path: str, node: Any, faults: list[str]) -> dict[str, Dimension]:
    """Return the dimensions of a mapping from keys to lists or ranges.

    Args:
        path: dotted key of the mapping.
        node: what the YAML holds.
        faults: messages are appended here.
    """
    if not isinstance(node, Mapping) or not node:
        faults.append(
            f"{path} must be a mapping of keys to a list of values or to {{low, high, log}}, got "
            f"{format_value(node)}"
        )
        return {}
    read = {
        str(key): _dimension(f"{path}.{format_name(key)}", value, faults)
        for key, value in node.items()
    }
    return {key: dimension for key, dimension in read.items() if dimension is not None}


def _dimension(path: str, node: Any, faults: list[str]) -> Dimension | None:
    if isinstance(node, list):
        return _values(path, node, faults)
    if isinstance(node, Mapping):
        return _range(path, node, faults)
    faults.append(
        f"{path} must be a list of values or {{low, high, log}}, got {format_value(node)}"
    )
    return None


def _values(path: str, node: list[Any], faults: list[str]) -> Values | None:
    if not node:
        faults.append(f"{path} must be a list of values that is not empty, got []")
        return None
    for number, value in enumerate(node):
        if value in node[:number]:
            faults.append(f"{path} must be distinct values, got {format_name(value)} twice")
        if isinstance(value, Mapping):
            faults.append(f"{path} must be a list of single values, got {format_value(value)}")
    return Values(tuple(node))


def _range(path: str, node: Mapping[str, Any], faults: list[str]) -> Range | None:
    before = len(faults)
    faults += [
        unknown_name(f"{path}.{key}", _RANGE_KEYS, key) for key in node if key not in _RANGE_KEYS
    ]
    low, high, log = node.get("low"), node.get("high"), node.get("log", False)
    for name, value in (("low", low), ("high", high)):
        if not is_number(value):
            faults.append(f"{path}.{name} must be a number, got {format_value(value)}")
    if not isinstance(log, bool):
        faults.append(f"{path}.log must be true or false, got {format_value(log)}")
    if len(faults) > before:
        return None
    assert low is not None
    assert high is not None
    if low >= high:
        faults.append(
            f"{path}.low must be below high, which is {format_value(high)}, got {format_value(low)}"
        )
    if log and low <= 0:
        faults.append(f"{path}.low must be > 0 where log is true, got {format_value(low)}")
    if len(faults) > before:
        return None
    return Range(low, high, log, is_integer(low) and is_integer(high))
