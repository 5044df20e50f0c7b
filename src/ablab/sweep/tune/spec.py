"""`sweep.tune` and `sweep.search`: read and checked before anything else happens."""

from collections.abc import Mapping
from typing import Any

from ablab.bounds import EPOCHS, TRIALS
from ablab.config.content import is_integer
from ablab.faults import unknown_name
from ablab.sweep.tune.checks import check_keys, check_options, with_budget
from ablab.sweep.tune.search import FIRST_SEED, KEYS, METHODS, PRUNINGS, Search
from ablab.sweep.tune.space import Space, read_space
from ablab.text import format_name, format_value
from ablab.tracking.spec import Settings

_COUNTS = {"trials": None, "epochs": None, "seeds": 1, "at_once": 1}


def read_search(
    node: Mapping[str, Any],
    variants: Mapping[str, Settings],
    blocks: Mapping[str, Settings],
    faults: list[str],
) -> Search | None:
    """Return the search of a `sweep:` node, or None if it has none.

    Args:
        node: the whole node.
        variants: name to settings, as read.
        blocks: likewise.
        faults: messages are appended here.
    """
    name = "search" if node.get("search") is not None else "tune"
    content, path = node.get(name), f"sweep.{name}"
    if content is None:
        return None
    if not isinstance(content, Mapping):
        faults.append(f"{path} must be a mapping of {', '.join(KEYS)}, got {format_value(content)}")
        return None
    before = len(faults)
    faults += [unknown_name(f"{path}.{key}", KEYS, key) for key in content if key not in KEYS]
    _check_choice(path, content, "method", METHODS, faults)
    _check_choice(path, content, "pruning", PRUNINGS, faults)
    counts = {key: _count(path, content, key, faults) for key in _COUNTS}
    spaces = _spaces(path, content, variants, faults)
    space = (
        {}
        if content.get("space") is None
        else read_space(f"{path}.space", content["space"], faults)
    )
    if len(faults) > before:
        return None
    search = Search(
        method=content.get("method") or Search.method,
        trials=counts["trials"] or 0,
        epochs=counts["epochs"],
        seeds=tuple(range(FIRST_SEED, FIRST_SEED + (counts["seeds"] or 1))),
        at_once=counts["at_once"] or 1,
        pruning=content.get("pruning") or Search.pruning,
        space=space,
        variants=spaces,
        only=name == "search",
    )
    check_keys(path, search, variants, blocks, faults)
    search = with_budget(path, search, variants, faults)
    check_options(path, search, faults)
    return search


def _check_choice(
    path: str, node: Mapping[str, Any], key: str, names: tuple[str, ...], faults: list[str]
) -> None:
    value = node.get(key)
    if value is not None and value not in names:
        faults.append(unknown_name(f"{path}.{key}", names, value))


def _count(path: str, node: Mapping[str, Any], key: str, faults: list[str]) -> int | None:
    value = node.get(key)
    if value is None:
        return _COUNTS[key]
    if not is_integer(value) or value < 1:
        faults.append(f"{path}.{key} must be a count >= 1, got {format_value(value)}")
        return None
    faults += (EPOCHS if key == "epochs" else TRIALS).fault(f"{path}.{key}", value)
    return int(value)


def _spaces(
    path: str, node: Mapping[str, Any], variants: Mapping[str, Settings], faults: list[str]
) -> dict[str, Space]:
    content = node.get("variants")
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        faults.append(f"{path}.variants must be a space per variant, got {format_value(content)}")
        return {}
    faults += [
        unknown_name(f"{path}.variants", variants, name) for name in content if name not in variants
    ]
    return {
        str(name): read_space(f"{path}.variants.{format_name(name)}", space, faults)
        for name, space in content.items()
    }
