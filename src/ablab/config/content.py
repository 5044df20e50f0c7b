"""What any value of a configuration must be, whichever file or override it came from."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ablab.bounds import DEPTH, INTEGER, KEY, REFERENCES, TEXT, VALUES
from ablab.text import printable, shortened, shown, shown_name

_KEY = r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[[\w-]+\])*"
_ENVIRONMENT = r"oc\.env:\w+(?:,[^${}]*)?"
# `${optimizer.lr}`, `${.lr}` beside it, `${oc.env:HOME}`, `${oc.decode:${oc.env:SEED}}`.
REFERENCE = re.compile(
    rf"\$\{{\s*(?P<dots>\.*)(?P<key>{_KEY})\s*\}}"
    rf"|\$\{{{_ENVIRONMENT}\}}"
    rf"|\$\{{oc\.decode:\$\{{{_ENVIRONMENT}\}}\}}"
)
MISSING = "???"
_RULE = (
    "interpolate keys that hold a value of their own (${optimizer.lr}, or ${.lr} beside it) or "
    "the environment (${oc.env:NAME})"
)


def content_faults(place: str, content: Any) -> list[str]:
    """Return what is wrong with values as such, each by its dotted key.

    Args:
        place: the key or file that holds them.
        content: dicts, lists and scalars, interpolations unresolved.
    """
    faults: list[str] = []
    for count, (key, depth, value) in enumerate(_walk(place, content, 0, faults), start=1):
        if count > VALUES.most:
            return [*faults, *VALUES.fault(place or "configuration", count)]
        if depth > DEPTH.most:
            return [*faults, *DEPTH.fault(place, depth)]
        faults += _value_faults(key, value)
    return faults


def references(value: Any) -> list[re.Match[str]]:
    """Return the interpolations of a text, none of any other value."""
    return list(REFERENCE.finditer(value)) if isinstance(value, str) else []


def is_interpolated(value: Any) -> bool:
    """Tell whether a value waits for another one."""
    return isinstance(value, str) and ("${" in value or value == MISSING)


def reference_rule(key: str, value: Any, reason: str = "") -> str:
    """Return the fault of an interpolation that leads nowhere."""
    return f"{key} must {_RULE}, got {shown_name(value)}{reason and f': {reason}'}"


def _walk(place: str, value: Any, depth: int, faults: list[str]) -> Iterator[tuple[str, int, Any]]:
    yield place, depth, value
    if depth > DEPTH.most:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            faults += _key_faults(place, key)
            yield from _walk(f"{place}.{_short(key)}".lstrip("."), inner, depth + 1, faults)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _walk(f"{place}.{number}", inner, depth + 1, faults)


def _short(key: object) -> str:
    return shortened(printable(str(key)), KEY.most)


def _key_faults(place: str, key: Any) -> list[str]:
    where = f"every key of {place}" if place else "every key"
    if not isinstance(key, str):
        quoted = shown_name(key)
        return [f"{where} must be text, got {quoted}: write '{quoted}', in quotes"]
    if not key.strip() or printable(key) != key:
        return [f"{where} must be a word, got {shown(key)}"]
    return KEY.fault(where, len(key), of=key)


def _value_faults(key: str, value: Any) -> list[str]:
    if isinstance(value, bool) or value is None or isinstance(value, Mapping | list):
        return []
    if isinstance(value, int):
        return INTEGER.fault(key, abs(value), of=value)
    if isinstance(value, float):
        return []
    if not isinstance(value, str):
        return [f"{key} must be text, a number, true, false or null, got {shown(value)}"]
    return _text_faults(key, value)


def _text_faults(key: str, value: str) -> list[str]:
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        return [f"{key} must be text in UTF-8 without NUL, got {shown(value)}"]
    if len(value) > TEXT.most:
        return TEXT.fault(key, len(value))
    if "${" in REFERENCE.sub("", value) or "\\${" in value:
        return [reference_rule(key, value)]
    return REFERENCES.fault(key, value.count("${"))


def is_number(value: Any) -> bool:
    """Tell a finite number, one that floats can hold, from everything else."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= INTEGER.most if isinstance(value, int) else math.isfinite(value)


def is_integer(value: Any) -> bool:
    """Tell an integer of at most 64 bits from everything else."""
    return isinstance(value, int) and is_number(value)
