"""The sides of an expectation: variants, settings that select them, a number, or a baseline."""

from collections.abc import Mapping, Sequence
from typing import Any

Side = str | float | Mapping[str, Any]

ALL = "all"
BASELINE = "baseline"


def is_number(value: object) -> bool:
    """Return whether a side is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_baseline(value: object) -> bool:
    """Return whether a side is a scikit-learn baseline: ``{baseline: random_forest}``."""
    return isinstance(value, Mapping) and set(value) == {BASELINE}


def baseline_of(side: Side) -> str:
    """Return the name of the scikit-learn baseline that a side is, or empty.

    Example:
        >>> baseline_of({"baseline": "k_nn"}), baseline_of({"optimizer": "adam"})
        ('k_nn', '')
    """
    return str(side[BASELINE]) if isinstance(side, Mapping) and is_baseline(side) else ""


def chosen(side: Side, variants: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the variants that a side selects, in the order of the sweep."""
    if isinstance(side, str):
        return [side] if side in variants else list(variants) if side == ALL else []
    if not isinstance(side, Mapping) or not side:
        return []
    return [name for name, own in variants.items() if side.items() <= own.items()]


def varied_number(names: Sequence[str], variants: Mapping[str, Mapping[str, Any]]) -> list[float]:
    """Return the one number in which some variants differ, for each; empty if there is none.

    Example:
        >>> grid = {"a": {"lr": 0.1, "pooling": "max"}, "b": {"lr": 1, "pooling": "max"}}
        >>> varied_number(["a", "b"], grid)
        [0.1, 1.0]
    """
    keys = {key for name in names for key in variants[name]}
    differing = [k for k in keys if len({repr(variants[name].get(k)) for name in names}) > 1]
    if len(differing) != 1:
        return []
    values = [variants[name].get(differing[0]) for name in names]
    return [float(v) for v in values if v is not None] if all(map(is_number, values)) else []


def in_words(side: Side) -> str:
    """Return a side in words.

    Example:
        >>> in_words({"optimizer.lr": 0.1, "pooling": "max"}), in_words("all")
        ('lr 0.1, pooling max', 'all variants')
    """
    if isinstance(side, Mapping):
        return ", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in side.items())
    return "all variants" if side == ALL else str(side)
