"""What the annotation of a hyper-parameter says of its values."""

import math
import types
import typing
from collections.abc import Callable
from typing import Any

Rule = tuple[str, Callable[[Any], bool]]  # in words, and whether a value keeps it

_PLAIN = {bool: "true or false", int: "an integer", float: "a number", str: "a word"}


def is_plain(value: Any) -> bool:
    """Tell whether a value is the same when it was written down as JSON and read again."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    if isinstance(value, float):
        return not math.isnan(value)
    return value is None or isinstance(value, bool | int | str)


PLAIN: Rule = (
    "null, true, false, a number, a word, or a list or mapping of such under words",
    is_plain,
)


def annotated(annotation: Any) -> Rule | None:
    """Return what a parameter's annotation demands, None where it says nothing plain."""
    if typing.get_origin(annotation) is typing.Literal:
        words = typing.get_args(annotation)
        return f"one of {', '.join(map(str, words))}", lambda value: value in words
    expected = _expected(annotation)
    if expected is None:
        return None
    return _words(expected), lambda value: _fits(value, expected)


def _expected(annotation: Any) -> tuple[type, ...] | None:
    """Return the plain types that an annotation admits, None where it says nothing plain."""
    if annotation in _PLAIN:
        return (annotation,)
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        members = typing.get_args(annotation)
        if all(m in _PLAIN or m is types.NoneType for m in members):
            return members
    return None


def _fits(value: Any, expected: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in expected
    if isinstance(value, int):
        return int in expected or float in expected
    return isinstance(value, expected)


def _words(expected: tuple[type, ...]) -> str:
    return " or ".join("null" if t is types.NoneType else _PLAIN[t] for t in expected)
