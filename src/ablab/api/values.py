"""Keyword arguments as overrides: each sets its key to exactly the value that was given."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ablab.config.compose import GROUPS
from ablab.config.overrides import in_quotes, keys_of, parse
from ablab.faults import ConfigError
from ablab.text import shown, shown_name

_RULE = "None, a bool, a number, a text, a path, or a list or dict of these"


def to_overrides(overrides: Sequence[str], choices: Mapping[str, Any]) -> list[str]:
    """Return what the command line would be given: the keywords, then the overrides.

    A dict that is given for a group, or for ``sweep``, sets the keys in it,
    ``trainer={"max_epochs": 2}``; any other is a value. A text stays a text: ``"0.1"`` is no
    number, ``"null"`` is not None.

    Args:
        overrides: as on the command line, ``"trainer.max_epochs=2"``.
        choices: key to value; a dotted key is one of a group's.

    Raises:
        ConfigError: all values that cannot be written as overrides, and all keys given twice.

    Example:
        >>> to_overrides(["seed=3"], {"activation": "elu", "trainer": {"max_epochs": 2}})
        ['activation=elu', 'trainer.max_epochs=2', 'seed=3']
        >>> to_overrides([], {"dataset": {"path": "My data (1)"}, "init_from": None})
        ['dataset.path="My data (1)"', 'init_from=null']
    """
    faults = [
        f"override must be a text key=value, got {shown(o)}"
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
    """A value that no override can hold; the message is the rule and what was given."""


def _settings(choices: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return dotted keys and their values."""
    found: list[tuple[str, Any]] = []
    for key, value in choices.items():
        if isinstance(value, Mapping) and key in (*GROUPS, "sweep"):
            found += [(f"{key}.{shown_name(inner)}", v) for inner, v in value.items()]
        else:
            found.append((key, value))
    return found


def _override(key: str, value: Any) -> str:
    """Return the override, read back to be sure that it says this value and no other."""
    plain = _plain(value)
    override = f"{key}={_written(plain)}"
    parsed, faults = parse([override])
    if faults:
        raise _UnwritableError(faults[0].partition(" ")[2])
    if [o.key_or_group for o in parsed] != [key] or not _is_same(parsed[0].value(), plain):
        raise _UnwritableError(f"must be a value that an override can hold, got {shown(value)}")
    return override


def _plain(value: Any) -> Any:
    """Return a value in Python's own types: of numpy, of enumerations, of paths."""
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
        return [_plain(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {str.__str__(name): _plain(item) for name, item in value.items()}
    raise _UnwritableError(f"must be {_RULE}, got {shown(value)}")


def _written(value: Any) -> str:
    """Return a value in the grammar of overrides, a text in quotes where it needs them."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{_written(item)}" for name, item in value.items()) + "}"
    return str(value)


def _text(value: str) -> str:
    if "${" in value:  # a reference to another key, which an override as a text can make
        raise _UnwritableError(f"must be a text without ${{, got {shown(value)}")
    plain, faults = parse([f"key={value}"])
    # A comma or bracket in a list would part it, though by itself it is plain text.
    is_plain = value.isprintable() and not set(value) & set(",:[]{}() \\'\"")
    if is_plain and not faults and _is_same(plain[0].value(), value):
        return value
    quoted = in_quotes("key", value)
    if quoted is None:
        raise _UnwritableError(f"must be a text that can be written in quotes, got {shown(value)}")
    return quoted.partition("=")[2]


def _is_same(a: Any, b: Any) -> bool:
    """Tell whether two values are equal, of the same types throughout; NaN is itself."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_is_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_is_same(a[key], b[key]) for key in a)
    return type(a) is type(b) and (a == b or repr(a) == repr(b) == "nan")
