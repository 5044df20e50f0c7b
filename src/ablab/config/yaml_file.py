"""A YAML of the user's, read with bounds: it can be anything that lies at its path."""

from pathlib import Path
from typing import Any

import yaml

from ablab.bounds import DEPTH, FILE_BYTES, INTEGER, TEXT, VALUES
from ablab.config.content import content_faults
from ablab.config.yaml_loader import Loader
from ablab.faults import ConfigError, first_line
from ablab.text import shown, shown_name

_LONGEST_INTEGER = 100  # characters, far above 64 bits in whichever notation


def read_text(path: Path) -> str:
    """Return the text of a file of the user's.

    Raises:
        ConfigError: it is no file, cannot be read, is too large, or is no UTF-8.
    """
    name = shown_name(path)
    try:
        if not path.is_file():
            raise ConfigError([f"{name} must be a file, got {_kind(path)}"])
        faults = FILE_BYTES.fault(name, path.stat().st_size)
        if faults:
            raise ConfigError(faults)
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {error.object[error.start]:#04x} at {error.start}"
        raise ConfigError([f"{name} must be text in UTF-8, got {byte}"]) from error
    except OSError as error:
        raise ConfigError([f"{name} must be readable, got {error.strerror}"]) from error


def read_yaml(path: Path) -> dict[str, Any]:
    """Return what a YAML holds: plain dicts, lists and scalars, interpolations unresolved.

    Raises:
        ConfigError: it is no YAML of keys and values, or one that is not taken.
    """
    text, name = read_text(path), shown_name(path)
    try:
        _check_size(name, text)
        content = yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        raise ConfigError([f"{name} must be YAML, got {_problem(error)}"]) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError([f"{name} must be YAML, got {first_line(error)}"]) from error
    if content is None:
        raise ConfigError([f"{name} must hold keys and values, got an empty file"])
    if not isinstance(content, dict):
        raise ConfigError([f"{name} must hold keys and values, got {shown(content)}"])
    faults = content_faults("", content)
    if faults:
        raise ConfigError([f"{name} must be a configuration, got a fault: {f}" for f in faults])
    return content


def _kind(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    if path.is_symlink():
        return f"a link to {shown_name(path.readlink())}, where there is none"
    return "a device or pipe" if path.exists() else "nothing there"


def _problem(error: yaml.YAMLError) -> str:
    """Return a parser's complaint on one line, with the place in the file."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    told = getattr(error, "problem", None) or getattr(error, "reason", None) or first_line(error)
    return f"{told}{where}"


def _at(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}" if event.start_mark else "a line"


def _check_size(name: str, text: str) -> None:
    """Refuse what would grow without bound, from the parser's events, before it is built.

    Raises:
        ConfigError: with the bound.
    """
    sizes: dict[str, int] = {}  # of what an anchor names, aliases in it written out
    open_nodes: list[tuple[str | None, int]] = []  # anchor, and the count where it began
    count = 0
    for event in yaml.parse(text, Loader=Loader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                got = f"*{shown_name(event.anchor)} in {_at(event)}"
                raise ConfigError([f"{name} must refer to what is whole already, got {got}"])
            count += sizes[event.anchor]
        elif isinstance(event, yaml.NodeEvent):
            count += 1
            _check_node(name, event)
            if isinstance(event, yaml.ScalarEvent):
                sizes |= {event.anchor: 1} if event.anchor else {}
            else:
                open_nodes.append((event.anchor, count - 1))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes |= {anchor: count - before} if anchor else {}
        faults = [
            *VALUES.fault(name, count),
            *DEPTH.fault(name, len(open_nodes)),
        ]
        if faults:
            raise ConfigError([f"{fault} in {_at(event)}" for fault in faults])


def _check_node(name: str, event: yaml.NodeEvent) -> None:
    tag = getattr(event, "tag", None)
    if tag is not None:
        raise ConfigError([f"{name} must hold no tags, got {shown_name(tag)} in {_at(event)}"])
    if not isinstance(event, yaml.ScalarEvent):
        return
    value = event.value
    faults = TEXT.fault(f"every value in {name}", len(value))
    if event.implicit[0] and len(value) > _LONGEST_INTEGER and value.strip("+-_").isdigit():
        got = f"{value[:20]}… ({len(value):,} characters)"
        faults = [f"every integer in {name} must {INTEGER.rule}, got {got}"]
    if faults:
        raise ConfigError(faults)
