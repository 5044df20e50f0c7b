"""Interpolations: values that are another key's, or the environment's.

They are resolved here and not by OmegaConf, whose errors name no key, and which follows chains
of them however much they grow: a key that is referred to holds a value of its own.
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
    reference_rule,
    references,
)
from ablab.faults import first_line

_Path = tuple[str | int, ...]


class _LedNowhereError(Exception):
    """Why an interpolation has no value."""


def resolved(root: Mapping[str, Any], *at: str) -> tuple[Any, list[str]]:
    """Return the values at a place with every interpolation resolved, and what is wrong with them.

    Args:
        root: plain dicts, lists and scalars, which interpolations refer to.
        at: keys of the place, from the root on.
    """
    place: Any = root
    for key in at:
        place = place[key]
    faults = content_faults(".".join(at), place)
    waiting = [] if faults else list(_waiting(place, at))
    faults += REFERENCES.fault(".".join(at) or "configuration", len(waiting))
    if faults or not waiting:
        return place, faults
    values: dict[_Path, Any] = {}
    for path, text in waiting:
        try:
            values[path] = _value(root, path, text)
        except _LedNowhereError as reason:
            faults.append(_fault(path, text, str(reason)))
    whole = _with(place, at, values)
    return whole, faults or content_faults(".".join(at), whole)


def _fault(path: _Path, text: str, reason: str) -> str:
    key = ".".join(map(str, path))
    return (
        f"{key} must be given, got {MISSING}" if not reason else reference_rule(key, text, reason)
    )


def _waiting(value: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Yield every interpolated value, with the keys that lead to it."""
    if is_interpolated(value):
        yield path, value
    for key, inner in _items(value):
        yield from _waiting(inner, (*path, key))


def _items(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _value(root: Mapping[str, Any], path: _Path, text: str) -> Any:
    """Return what an interpolated text comes to.

    Raises:
        _LedNowhereError: to nothing; the reason is empty where no value was given at all.
    """
    found = references(text)
    if not found:
        raise _LedNowhereError
    if found[0][0] == text:
        return deepcopy(_target(root, path, found[0]))
    parts = [_target(root, path, match) for match in found]
    if any(isinstance(part, Mapping | list) for part in parts):
        raise _LedNowhereError("that is no single value to be set into a text")
    written = iter(parts)
    for match in found:
        text = text.replace(match[0], str(next(written)), 1)
    return text


def _target(root: Mapping[str, Any], path: _Path, match: re.Match[str]) -> Any:
    """Return what one interpolation refers to."""
    if match["key"] is None:
        try:
            return OmegaConf.to_object(OmegaConf.create({"value": match[0]}))["value"]  # type: ignore[call-overload,index]
        except OmegaConfBaseException as error:
            raise _LedNowhereError(first_line(error)) from error
    dots = len(match["dots"])
    if dots > len(path):
        raise _LedNowhereError("that leads above the configuration")
    target: Any = root
    for key in (*(path[: len(path) - dots] if dots else ()), *re.findall(r"[\w-]+", match["key"])):
        inner = dict(_items(target))
        known = int(key) if isinstance(target, list) and str(key).isdecimal() else key
        if known not in inner:
            raise _LedNowhereError(f"there is no {key}")
        target = inner[known]
    if any(_waiting(target, ())):
        raise _LedNowhereError("that has no value of its own")
    return target


def _with(value: Any, path: _Path, values: Mapping[_Path, Any]) -> Any:
    """Return a copy in which the values at some paths are others."""
    if path in values:
        return values[path]
    if isinstance(value, Mapping):
        return {key: _with(inner, (*path, key), values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with(inner, (*path, number), values) for number, inner in enumerate(value)]
    return value
