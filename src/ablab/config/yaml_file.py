"""Reads YAML files of users within bounds on size, depth and types.

Any file can lie at such a path: a pipe, a binary, a "billion laughs" of aliases.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from ablab.bounds import DEPTH, FILE_BYTES, INTEGER, TEXT, VALUES
from ablab.config.content import content_faults
from ablab.faults import ConfigError, first_line
from ablab.text import format_name, format_value

_LONGEST_INTEGER = 100  # characters, far above 64 bits in any notation
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where installed, is faster
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_TEXT = "tag:yaml.org,2002:str"
# OmegaConf's pattern: PyYAML's own reads 1e-3 as text.
_FLOAT = re.compile(
    r"""^(?:
     [-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)
    |\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)


class _Loader(_BASE):  # type: ignore[misc] # one of two, by what is installed
    """Reads YAML as Hydra does: dates are text, and a duplicate key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping.

        Raises:
            ConstructorError: a key is duplicated.
        """
        keys: set[str] = set()
        for key, _ in node.value:
            if key.tag == _TEXT and key.value in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"found duplicate key {key.value}", key.start_mark
                )
            keys |= {key.value} if key.tag == _TEXT else set()
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def read_text(path: Path) -> str:
    """Return the text of a user's file.

    Raises:
        ConfigError: it is no regular file, cannot be read, is too large, or is not UTF-8.
    """
    name = format_name(path)
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
    """Return the content of a YAML file: plain dicts, lists and scalars, interpolations unresolved.

    Raises:
        ConfigError: it is not a YAML mapping, or a key or value is not allowed.
    """
    text, name = read_text(path), format_name(path)
    try:
        _check_size(name, text)
        content = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError([f"{name} must be YAML, got {_problem(error)}"]) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError([f"{name} must be YAML, got {first_line(error)}"]) from error
    if content is None:
        raise ConfigError([f"{name} must contain keys and values, got an empty file"])
    if not isinstance(content, dict):
        raise ConfigError([f"{name} must contain keys and values, got {format_value(content)}"])
    faults = content_faults("", content)
    if faults:
        raise ConfigError([f"{name} must be a configuration, got a fault: {f}" for f in faults])
    return content


def _kind(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    if path.is_symlink():
        return f"a broken link to {format_name(path.readlink())}"
    return "a device or pipe" if path.exists() else "no such file"


def _problem(error: yaml.YAMLError) -> str:
    """Return a parser's message on one line, with its line and column."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    message = getattr(error, "problem", None) or getattr(error, "reason", None)
    return f"{message or first_line(error)}{where}"


def _line_of(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}" if event.start_mark else "a line"


def _check_size(name: str, text: str) -> None:
    """Refuse too many or too deeply nested values, from the parser's events.

    Nothing is built yet: aliases could let a small file grow exponentially.

    Raises:
        ConfigError: with the bound.
    """
    sizes: dict[str, int] = {}  # values below an anchor, its aliases expanded
    open_nodes: list[tuple[str | None, int]] = []  # anchor, and the count where it began
    count = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                got = f"*{format_name(event.anchor)} in {_line_of(event)}"
                raise ConfigError([f"{name} must refer to anchors that are complete, got {got}"])
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
            raise ConfigError([f"{fault} in {_line_of(event)}" for fault in faults])


def _check_node(name: str, event: yaml.NodeEvent) -> None:
    """Refuse tags, which may run code, and values that are too long."""
    tag = getattr(event, "tag", None)
    if tag is not None:
        got = f"{format_name(tag)} in {_line_of(event)}"
        raise ConfigError([f"{name} must not contain tags, got {got}"])
    if not isinstance(event, yaml.ScalarEvent):
        return
    value = event.value
    faults = TEXT.fault(f"every value in {name}", len(value))
    if event.implicit[0] and len(value) > _LONGEST_INTEGER and value.strip("+-_").isdigit():
        got = f"{value[:20]}… ({len(value):,} characters)"
        faults = [f"every integer in {name} must {INTEGER.rule}, got {got}"]
    if faults:
        raise ConfigError(faults)
