"""Parses overrides as on Hydra's command line, and checks which keys they may set."""

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
from ablab.config.content import content_faults, reference_fault
from ablab.faults import unknown_name
from ablab.text import escape_controls, format_name, format_value

SWEEPS = "sweeps"  # Hydra's group of the sweeps' YAMLs
_SHAPE = re.compile(r"([A-Za-z_$][\w$./@:-]*)=(.*)", re.DOTALL)
_DIGITS = re.compile(r"\s*[-+]?[\d_]{100,}\s*")
_LONGEST_HINT = 500  # characters of a suggested override
_NON_ASCII = re.compile(r"[^\x00-\x7f]")  # Hydra's grammar knows ASCII alone


def parse(overrides: Sequence[str]) -> tuple[list[Override], list[str]]:
    """Return the overrides that set one key to one value, and the faults of the others."""
    parsed, faults = [], []
    for text in overrides:
        override = read_override(text)
        if isinstance(override, str):
            faults.append(override)
        elif wrong := _faults(override, text):
            faults += wrong
        else:
            parsed.append(override)
    return parsed, faults


def shell_override(key: str, value: str) -> str | None:
    r"""Return an override that sets a key to exactly this text, also quoted for a POSIX shell.

    None where that cannot be written on one line.

    Example:
        >>> shell_override("dataset.path", "My data (1)")
        '\'dataset.path="My data (1)"\''
    """
    override = quoted_override(key, value)
    if override is None or escape_controls(override) != override:
        return None
    return shlex.quote(override)


def keys_of(overrides: Sequence[str]) -> set[str]:
    """Return the keys of overrides, including those whose value cannot be parsed."""
    return {match[1] for text in overrides if (match := _SHAPE.match(text))}


def read_override(text: str) -> Override | str:
    """Return a parsed override, which may have several values, or its fault."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        without = " without +, ~ or @" if text[:1] in "+~" and text else ""
        return f"override must be key=value{without}, got {format_name(text)}"
    key, value = match[1], match[2]
    faults = [
        *KEY.fault("override", len(key), of=key),
        *OVERRIDE.fault(key, len(text)),
        *DEPTH.fault(key, max(accumulate(map(_nesting, value), initial=0))),
    ]
    if faults:
        return faults[0]
    override = _parsed(text) or _plain_text(key, value)
    return _syntax_fault(key, value) if override is None else override


def _nesting(character: str) -> int:
    """Return by how many levels a character changes the nesting of lists, mappings and calls."""
    return (character in "[{(") - (character in "]})")


def _parsed(text: str) -> Override | None:
    try:
        return OverridesParser.create().parse_overrides([text])[0]
    except (HydraException, OmegaConfBaseException, ValueError, RecursionError):
        return None


def _plain_text(key: str, value: str) -> Override | None:
    """Return an override whose value is unquoted plain text with non-ASCII letters, else None.

    Hydra's grammar knows ASCII alone. With an ASCII letter in the place of each such character it
    decides whether the value is plain text, which then has only one reading.
    """
    stripped = value.strip(" \t")
    stand_in = _NON_ASCII.sub("x", stripped)
    override = _parsed(f"{key}={stand_in}") if stand_in != stripped else None
    if override is None or override.is_sweep_override() or override.value() != stand_in:
        return None
    if stand_in[:1] in "'\"" or "\\" in stand_in or "${" in stand_in:
        return None
    exact = quoted_override(key, stripped)
    return None if exact is None else _parsed(exact)


def quoted_override(key: str, value: str) -> str | None:
    """Return an override that sets a key to exactly this text, None where Hydra has none."""
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', value)
    tail = re.search(r"\\*$", escaped)
    text = f'{key}="{escaped}{tail[0] if tail else ""}"'
    override = _parsed(text)
    if override is None or override.is_sweep_override() or override.value() != value:
        return None
    return text


def _syntax_fault(key: str, value: str) -> str:
    """Return the fault of an override that Hydra cannot parse, with what to type instead."""
    got = f"got {format_value(value)}"
    if "${" in value:
        return reference_fault(key, value)
    if _DIGITS.fullmatch(value):
        return f"{key} must {INTEGER.rule}, {got}"
    as_text = shell_override(key, value.strip())
    if as_text is None or len(as_text) > _LONGEST_HINT:
        return f"{key} must be one value on one line, in quotes if it is text, {got}"
    rule = "be in quotes if its text has ( ) [ ] { } , = # quotes or other special characters"
    return f"{key} must {rule}, as in {as_text}, {got}"


def _faults(override: Override, text: str) -> list[str]:
    """Return the faults of an override that Hydra can parse."""
    key = override.key_or_group
    if wrong := form_faults(override, text):
        return wrong
    if override.is_sweep_override():
        value = text.partition("=")[2].strip()
        as_text = shell_override(key, value)
        hint = f" (as one text: {as_text})" if as_text and len(as_text) < _LONGEST_HINT else ""
        several = "`ablab train -m` and the grid of a sweep take several"
        return [f"{key} must be one value{hint}, got {format_name(value)}; {several}"]
    return content_faults(key, override.value())


def form_faults(override: Override, text: str) -> list[str]:
    """Return the fault of an override that does more than to set a key."""
    if override.type is not OverrideType.CHANGE or override.package is not None:
        return [f"override must be key=value without +, ~ or @, got {format_name(text)}"]
    return []


def has_key(config: DictConfig, key: str) -> bool:
    """Return whether a trial's configuration has a dotted key."""
    if key.partition(".")[0] in ("hydra", SWEEPS):
        return False
    parent, _, leaf = key.rpartition(".")
    node = mapping_at(config, parent)
    return node is not None and leaf in node.keys()  # noqa: SIM118 - `in node` resolves values


def mapping_at(config: DictConfig, key: str) -> DictConfig | None:
    """Return the mapping at a dotted key, None where there is none or an interpolation leads."""
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
        return f"override must set a key of the trial, got {key}, which is Hydra's"
    parent = key.rpartition(".")[0] if has_key(config, top) else ""
    node = mapping_at(config, parent)
    if node is None:
        return f"{parent} must be set as a whole, got {key}"
    names = {str(n) for n in node.keys()} - {"hydra", "_target_", SWEEPS}  # noqa: SIM118
    return unknown_name(key, {f"{parent}.{n}" if parent else n for n in names}, key)
