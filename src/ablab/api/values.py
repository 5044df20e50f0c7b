"""Converts keyword arguments to overrides that set exactly the given values."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ablab.config.groups import GROUPS
from ablab.config.overrides import keys_of, parse, quoted_override
from ablab.faults import ConfigError
from ablab.text import format_name, format_value

_RULE = "None, a bool, a number, a string, a path, or a list or dict of these"


def to_overrides(overrides: Sequence[str], choices: Mapping[str, Any]) -> list[str]:
    """Return the overrides of the command line: those of the keywords, then the given ones.

    A dict for a group, or for ``sweep``, sets the keys in it, ``trainer={"max_epochs": 2}``; any
    other dict is a value. A string stays a string: ``"0.1"`` is not a number, ``"null"`` is not
    None.

    Args:
        overrides: as on the command line, ``"trainer.max_epochs=2"``.
        choices: key to value; a dotted key is a key of a group.

    Raises:
        ConfigError: all values that cannot be written as overrides, and all keys given twice.

    Example:
        >>> to_overrides(["seed=3"], {"activation": "elu", "trainer": {"max_epochs": 2}})
        ['activation=elu', 'trainer.max_epochs=2', 'seed=3']
        >>> to_overrides([], {"dataset": {"path": "My data (1)"}, "init_from": None})
        ['dataset.path="My data (1)"', 'init_from=null']
    """
    faults = [
        f"override must be a string key=value, got {format_value(o)}"
        for o in overrides
        if not isinstance(o, str)
    ]
    written: dict[str, str] = {}
    for key, value in _settings(choices):
        try:
            override = _override(key, value)
        except _UnwritableError as error:
            faults.append(f"{key} {error}")
            continue
        if key in written:
            faults.append(f"{key} must be given once, got it as a keyword and in a dict")
        written[key] = override
    texts = [o for o in overrides if isinstance(o, str)]
    twice = sorted(keys_of(texts) & written.keys())
    faults += [f"{key} must be given once, got it as an override and a keyword" for key in twice]
    if faults:
        raise ConfigError(faults)
    return [*written.values(), *texts]


class _UnwritableError(Exception):
    """A value that no override can express; the message is the rule and the value."""


def _settings(choices: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return dotted keys and their values."""
    settings: list[tuple[str, Any]] = []
    for key, value in choices.items():
        if isinstance(value, Mapping) and key in (*GROUPS, "sweep"):
            settings += [(f"{key}.{format_name(inner)}", v) for inner, v in value.items()]
        else:
            settings.append((key, value))
    return settings


def _override(key: str, value: Any) -> str:
    """Return the override, parsed again to verify that it sets exactly this value."""
    plain = _to_plain(value)
    override = f"{key}={_format(plain)}"
    parsed, faults = parse([override])
    if faults:
        raise _UnwritableError(faults[0].partition(" ")[2])
    if [o.key_or_group for o in parsed] != [key] or not _is_same(parsed[0].value(), plain):
        raise _UnwritableError(
            f"must be a value that an override can express, got {format_value(value)}"
        )
    return override


def _to_plain(value: Any) -> Any:
    """Convert numpy scalars, 0-d tensors, enumeration members and paths to built-in types."""
    if hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind.__str__(value) if kind is str else kind(value)
    if isinstance(value, list | tuple):
        return [_to_plain(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {str.__str__(name): _to_plain(item) for name, item in value.items()}
    raise _UnwritableError(f"must be {_RULE}, got {format_value(value)}")


def _format(value: Any) -> str:
    """Return a value in the grammar of overrides, with strings in quotes where needed."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _format_string(value)
    if isinstance(value, list):
        return f"[{','.join(map(_format, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{_format(item)}" for name, item in value.items()) + "}"
    return str(value)


def _format_string(value: str) -> str:
    if "${" in value:  # would refer to another key; an override given as a string may do so
        raise _UnwritableError(f"must be a string without ${{, got {format_value(value)}")
    plain, faults = parse([f"key={value}"])
    # A comma or bracket needs no quotes by itself, but would split the string in a list.
    is_plain = value.isprintable() and not set(value) & set(",:[]{}() \\'\"")
    if is_plain and not faults and _is_same(plain[0].value(), value):
        return value
    quoted = quoted_override("key", value)
    if quoted is None:
        raise _UnwritableError(
            f"must be a string that can be put in quotes, got {format_value(value)}"
        )
    return quoted.partition("=")[2]


def _is_same(a: Any, b: Any) -> bool:
    """Return whether two values and all their types are equal; NaN equals NaN."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_is_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_is_same(a[key], b[key]) for key in a)
    return type(a) is type(b) and (a == b or repr(a) == repr(b) == "nan")
