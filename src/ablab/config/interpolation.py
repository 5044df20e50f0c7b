"""Resolves interpolations: values taken from another key or from the environment.

OmegaConf does not do it here: its errors name no key, and it follows chains of interpolations
that can grow exponentially. An interpolation here must refer to a plain value.
"""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablab.bounds import REFERENCES
from ablab.config.content import (
    MISSING,
    content_faults,
    is_interpolated,
    reference_fault,
    references,
)
from ablab.faults import first_line

_Path = tuple[str | int, ...]


class _UnresolvedError(Exception):
    """The reason why an interpolation has no value."""


def resolve_interpolations(root: Mapping[str, Any], *path: str) -> tuple[Any, list[str]]:
    """Return the content at a path with every interpolation resolved, and its faults.

    Args:
        root: plain dicts, lists and scalars, to which interpolations refer.
        path: keys from the root to the content; none for all of it.
    """
    content: Any = root
    for key in path:
        content = content[key]
    faults = content_faults(".".join(path), content)
    unresolved = [] if faults else list(_unresolved(content, path))
    faults += REFERENCES.fault(".".join(path) or "configuration", len(unresolved))
    if faults or not unresolved:
        return content, faults
    values: dict[_Path, Any] = {}
    for at, text in unresolved:
        try:
            values[at] = _value(root, at, text)
        except _UnresolvedError as reason:
            faults.append(_fault(at, text, str(reason)))
    whole = _replaced(content, path, values)
    return whole, faults or content_faults(".".join(path), whole)


def _fault(path: _Path, text: str, reason: str) -> str:
    key = ".".join(map(str, path))
    if not reason:
        return f"{key} must be given, got {MISSING}"
    return reference_fault(key, text, reason)


def _unresolved(value: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Yield every interpolated value with its path."""
    if is_interpolated(value):
        yield path, value
    for key, inner in _items(value):
        yield from _unresolved(inner, (*path, key))


def _items(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _value(root: Mapping[str, Any], path: _Path, text: str) -> Any:
    """Return the value of an interpolated text.

    Raises:
        _UnresolvedError: it has none; the reason is empty for a missing value (``???``).
    """
    matches = references(text)
    if not matches:
        raise _UnresolvedError
    if matches[0][0] == text:
        return deepcopy(_target(root, path, matches[0]))
    parts = [_target(root, path, match) for match in matches]
    if any(isinstance(part, Mapping | list) for part in parts):
        raise _UnresolvedError("a list or mapping cannot be inserted into text")
    for match, part in zip(matches, parts, strict=True):
        text = text.replace(match[0], str(part), 1)
    return text


def _target(root: Mapping[str, Any], path: _Path, match: re.Match[str]) -> Any:
    """Return the value that one interpolation refers to."""
    if match["key"] is None:
        try:
            return OmegaConf.to_object(OmegaConf.create({"value": match[0]}))["value"]  # type: ignore[call-overload,index]
        except OmegaConfBaseException as error:
            raise _UnresolvedError(first_line(error)) from error
    dots = len(match["dots"])
    if dots > len(path):
        raise _UnresolvedError("it has more dots than there are levels")
    target: Any = root
    for key in (*(path[: len(path) - dots] if dots else ()), *re.findall(r"[\w-]+", match["key"])):
        inner = dict(_items(target))
        known = int(key) if isinstance(target, list) and str(key).isdecimal() else key
        if known not in inner:
            raise _UnresolvedError(f"there is no {key}")
        target = inner[known]
    if any(_unresolved(target, ())):
        raise _UnresolvedError("it refers to another interpolation")
    return target


def _replaced(value: Any, path: _Path, values: Mapping[_Path, Any]) -> Any:
    """Return a copy with other values at some paths."""
    if path in values:
        return values[path]
    if isinstance(value, Mapping):
        return {key: _replaced(inner, (*path, key), values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, (*path, number), values) for number, inner in enumerate(value)]
    return value
