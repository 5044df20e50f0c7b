"""Rules for every value of a configuration, from a YAML file or an override alike."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ablab.bounds import DEPTH, INTEGER, KEY, REFERENCES, TEXT, VALUES
from ablab.text import escape_controls, format_name, format_value, shorten

_KEY = r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[[\w-]+\])*"
_ENVIRONMENT = r"oc\.env:\w+(?:,[^${}]*)?"
# `${optimizer.lr}`, `${.lr}` in the same group, `${oc.env:HOME}`,
# `${oc.decode:${oc.env:SEED}}`.
REFERENCE = re.compile(
    rf"\$\{{\s*(?P<dots>\.*)(?P<key>{_KEY})\s*\}}"
    rf"|\$\{{{_ENVIRONMENT}\}}"
    rf"|\$\{{oc\.decode:\$\{{{_ENVIRONMENT}\}}\}}"
)
MISSING = "???"
_RULE = (
    "interpolate a key with a plain value (${optimizer.lr}, or ${.lr} in the same group) or the "
    "environment (${oc.env:NAME})"
)


def content_faults(root: str, content: Any) -> list[str]:
    """Return the faults of keys, types, lengths and interpolations, each with its dotted key.

    Args:
        root: dotted key that holds the content, empty for a whole configuration.
        content: dicts, lists and scalars, interpolations unresolved.
    """
    faults: list[str] = []
    for count, (key, depth, value) in enumerate(_walk(root, content, 0, faults), start=1):
        if count > VALUES.most:
            return [*faults, *VALUES.fault(root or "configuration", count)]
        if depth > DEPTH.most:
            return [*faults, *DEPTH.fault(root, depth)]
        faults += _value_faults(key, value)
    return faults


def references(value: Any) -> list[re.Match[str]]:
    """Return the interpolations in a text; none for any other value."""
    return list(REFERENCE.finditer(value)) if isinstance(value, str) else []


def is_interpolated(value: Any) -> bool:
    """Return whether a value contains an interpolation or is missing (``???``)."""
    return isinstance(value, str) and ("${" in value or value == MISSING)


def reference_fault(key: str, value: Any, reason: str = "") -> str:
    """Return the fault of an interpolation that cannot be resolved."""
    return f"{key} must {_RULE}, got {format_name(value)}{reason and f': {reason}'}"


def _walk(key: str, value: Any, depth: int, faults: list[str]) -> Iterator[tuple[str, int, Any]]:
    """Yield each value with its dotted key and depth; append the faults of keys to ``faults``."""
    yield key, depth, value
    if depth > DEPTH.most:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            faults += _key_faults(key, name)
            yield from _walk(f"{key}.{_short(name)}".lstrip("."), inner, depth + 1, faults)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _walk(f"{key}.{number}", inner, depth + 1, faults)


def _short(key: object) -> str:
    return shorten(escape_controls(str(key)), KEY.most)


def _key_faults(parent: str, key: Any) -> list[str]:
    subject = f"every key of {parent}" if parent else "every key"
    if not isinstance(key, str):
        quoted = format_name(key)
        return [f"{subject} must be text, got {quoted}: write '{quoted}', in quotes"]
    if not key.strip() or escape_controls(key) != key:
        return [f"{subject} must be printable text, got {format_value(key)}"]
    return KEY.fault(subject, len(key), of=key)


def _value_faults(key: str, value: Any) -> list[str]:
    if isinstance(value, bool) or value is None or isinstance(value, Mapping | list):
        return []
    if isinstance(value, int):
        return INTEGER.fault(key, abs(value), of=value)
    if isinstance(value, float):
        return []
    if not isinstance(value, str):
        return [f"{key} must be text, a number, true, false or null, got {format_value(value)}"]
    return _text_faults(key, value)


def _text_faults(key: str, value: str) -> list[str]:
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        return [f"{key} must be text in UTF-8 without NUL, got {format_value(value)}"]
    if len(value) > TEXT.most:
        return TEXT.fault(key, len(value))
    if "${" in REFERENCE.sub("", value) or "\\${" in value:
        return [reference_fault(key, value)]
    return REFERENCES.fault(key, value.count("${"))


def is_number(value: Any) -> bool:
    """Return whether a value is a finite float or an integer of at most 64 bits; bools are not."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= INTEGER.most if isinstance(value, int) else math.isfinite(value)


def is_integer(value: Any) -> bool:
    """Return whether a value is an integer of at most 64 bits; bools are not."""
    return isinstance(value, int) and is_number(value)


def value_at(config: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key, None where there is none."""
    node: Any = config
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node
