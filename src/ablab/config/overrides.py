"""Overrides as on Hydra's command line: how they are read, and which keys they may set."""

import re
import shlex
from collections.abc import Sequence
from itertools import accumulate

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablab.bounds import DEPTH, INTEGER, KEY, OVERRIDE
from ablab.config.content import content_faults, reference_rule
from ablab.faults import one_of
from ablab.text import printable, shown, shown_name

SWEEPS = "sweeps"  # Hydra's group of the sweeps' YAMLs
_SHAPE = re.compile(r"([A-Za-z_$][\w$./@:-]*)=(.*)", re.DOTALL)
_DIGITS = re.compile(r"\s*[-+]?[\d_]{100,}\s*")
_LONGEST_HINT = 500  # characters of a text that is shown in quotes
_FOREIGN = re.compile(r"[^\x00-\x7f]")  # what Hydra's grammar does not know


def parse(overrides: Sequence[str]) -> tuple[list[Override], list[str]]:
    """Return the overrides that set a key to one value, and the faults of the others."""
    parsed, faults = [], []
    for text in overrides:
        found = _read(text)
        if isinstance(found, str):
            faults.append(found)
        elif wrong := _faults(found, text):
            faults += wrong
        else:
            parsed.append(found)
    return parsed, faults


def quoted(key: str, value: str) -> str | None:
    r"""Return an override that sets a key to exactly this text, quoted for a POSIX shell as well.

    None where that cannot be written on one line.

    Example:
        >>> quoted("dataset.path", "My data (1)")
        '\'dataset.path="My data (1)"\''
    """
    override = in_quotes(key, value)
    if override is None or printable(override) != override:
        return None
    return shlex.quote(override)


def keys_of(overrides: Sequence[str]) -> set[str]:
    """Return the keys that overrides speak of, whether or not they can be read."""
    return {match[1] for text in overrides if (match := _SHAPE.match(text))}


def _read(text: str) -> Override | str:
    """Return an override, or its fault."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        marks = " without +, ~ or @" if text[:1] in "+~" and text else ""
        return f"override must be key=value{marks}, got {shown_name(text)}"
    key, value = match[1], match[2]
    faults = [
        *KEY.fault("override", len(key), of=key),
        *OVERRIDE.fault(key, len(text)),
        *DEPTH.fault(key, max(accumulate(map(_step, value), initial=0))),
    ]
    if faults:
        return faults[0]
    found = _parsed(text)
    if found is not None:
        return found
    literal = _literal(key, value)
    return _unreadable(key, value) if literal is None else literal


def _step(character: str) -> int:
    """Return how much deeper a list, mapping or call nests behind a character."""
    return (character in "[{(") - (character in "]})")


def _parsed(text: str) -> Override | None:
    try:
        return OverridesParser.create().parse_overrides([text])[0]
    except (HydraException, OmegaConfBaseException, ValueError, RecursionError):
        return None


def _literal(key: str, value: str) -> Override | None:
    """Return an override whose value has letters of other alphabets and is otherwise plain text.

    Hydra's grammar knows ASCII alone. With a letter in the place of each such character it tells
    whether the value is one plain text, which then has this one reading.
    """
    stripped = value.strip(" \t")
    stand_in = _FOREIGN.sub("x", stripped)
    found = _parsed(f"{key}={stand_in}") if stand_in != stripped else None
    if found is None or found.is_sweep_override() or found.value() != stand_in:
        return None
    if stand_in[:1] in "'\"" or "\\" in stand_in or "${" in stand_in:
        return None
    exact = in_quotes(key, stripped)
    return None if exact is None else _parsed(exact)


def in_quotes(key: str, value: str) -> str | None:
    """Return an override that surely sets a key to this text."""
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', value)
    tail = re.search(r"\\*$", escaped)
    text = f'{key}="{escaped}{tail[0] if tail else ""}"'
    found = _parsed(text)
    is_same = found is not None and not found.is_sweep_override() and found.value() == value
    return text if is_same else None


def _unreadable(key: str, value: str) -> str:
    got = f"got {shown(value)}"
    if "${" in value:
        return reference_rule(key, value)
    if _DIGITS.fullmatch(value):
        return f"{key} must {INTEGER.rule}, {got}"
    as_text = quoted(key, value.strip())
    if as_text is None or len(as_text) > _LONGEST_HINT:
        return f"{key} must be one value on one line, in quotes where it is a text, {got}"
    rule = "be in quotes where its text has ( ) [ ] { } , = # quotes or other signs"
    return f"{key} must {rule}, as in {as_text}, {got}"


def _faults(override: Override, text: str) -> list[str]:
    """Return what is wrong with an override that can be read."""
    key = override.key_or_group
    if override.type is not OverrideType.CHANGE or override.package is not None:
        return [f"override must be key=value without +, ~ or @, got {shown_name(text)}"]
    if override.is_sweep_override():
        value = text.partition("=")[2].strip()
        as_text = quoted(key, value)
        hint = f" (as one text: {as_text})" if as_text and len(as_text) < _LONGEST_HINT else ""
        return [f"{key} must be one value{hint}, got {shown_name(value)}; sweeps take many"]
    return content_faults(key, override.value())


def has(config: DictConfig, key: str) -> bool:
    """Tell whether a trial's configuration has a dotted key."""
    if key.partition(".")[0] in ("hydra", SWEEPS):
        return False
    parent, _, leaf = key.rpartition(".")
    node = mapping_at(config, parent)
    return node is not None and leaf in node.keys()  # noqa: SIM118 - `in node` resolves values


def mapping_at(config: DictConfig, key: str) -> DictConfig | None:
    """Return the mapping at a dotted key, none behind an interpolation."""
    node = config
    for part in key.split(".") if key else ():
        if part not in node.keys() or OmegaConf.is_interpolation(node, part):  # noqa: SIM118
            return None
        inner = None if OmegaConf.is_missing(node, part) else node[part]
        if not isinstance(inner, DictConfig):
            return None
        node = inner
    return node


def unknown_key(config: DictConfig, key: str) -> str:
    """Return the fault of a dotted key that the configuration does not have."""
    top = key.partition(".")[0]
    if top == "hydra":
        return f"override must be of a key of the trial, got {key}, which is Hydra's own"
    parent = key.rpartition(".")[0] if has(config, top) else ""
    node = mapping_at(config, parent)
    if node is None:
        return f"{parent} must be set as a whole, got {key}"
    names = {str(n) for n in node.keys()} - {"hydra", "_target_", SWEEPS}  # noqa: SIM118
    return one_of(key, {f"{parent}.{n}" if parent else n for n in names}, key)
