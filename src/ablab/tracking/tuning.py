"""What a plan stores of its tuning: how values were searched, and those that were chosen."""

import shlex
from collections.abc import Mapping
from typing import Any

from ablab.text import format_count

CHOSEN = "chosen"
_TEXTS = ("method", "pruning", "metric", "goal")
_WORDS: Mapping[Any, str] = {True: "true", False: "false", None: "null"}


def check_definition(definition: Any) -> None:
    """Check how values were searched, as a plan or the record of a search stores it.

    A checksum alone proves no author.

    Raises:
        TypeError: a key is missing, or a value has another type.
    """
    if not isinstance(definition, Mapping):
        raise TypeError
    if not all(isinstance(definition.get(key), str) for key in _TEXTS):
        raise TypeError
    counts = [definition.get("trials"), *([epochs] if (epochs := definition.get("epochs")) else [])]
    seeds = definition.get("seeds")
    if not isinstance(seeds, list) or not seeds:
        raise TypeError
    if not all(type(number) is int for number in (*counts, *seeds)):
        raise TypeError


def check_chosen(chosen: Any) -> None:
    """Check what a search chose, as a plan or the record of a search stores it.

    Raises:
        TypeError: a key is missing, or a value has another type.
    """
    if not isinstance(chosen, Mapping) or not isinstance(chosen.get("value"), int | float):
        raise TypeError
    named = (chosen.get("values"), chosen.get("importance"))
    if not all(isinstance(each, Mapping) for each in named):
        raise TypeError
    if not isinstance(chosen.get("edges"), list):
        raise TypeError


def check_tuning(tune: Any) -> None:
    """Check the tuning of a plan; None without tuning.

    Raises:
        TypeError: a key is missing, or a value has another type.
    """
    if tune is None:
        return
    check_definition(tune)
    for each in tune.get(CHOSEN, ()):
        check_chosen(each)
        if not all(isinstance(each.get(key), str) for key in ("variant", "block", "search")):
            raise TypeError


def chosen_by_cell(tune: Any) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return what was chosen for each variant and block: ``values``, ``value``, ``edges``, ….

    Args:
        tune: as the plan's spec stores it; None without tuning.
    """
    entries = tune.get(CHOSEN, ()) if isinstance(tune, Mapping) else ()
    return {(str(each["variant"]), str(each["block"])): each for each in entries}


def is_tuned_otherwise(old: Any, new: Any) -> bool:
    """Return whether a variant in a block that both have was searched in another way.

    Args:
        old: tuning of a plan; None without one.
        new: likewise.
    """
    if bool(old) != bool(new):
        return True
    before, now = chosen_by_cell(old), chosen_by_cell(new)
    return any(before[cell]["search"] != now[cell]["search"] for cell in before.keys() & now.keys())


def merge_tuning(old: Any, new: Any) -> Any:
    """Return the new tuning with what the old one chose for other variants and blocks."""
    if not isinstance(new, Mapping):
        return new
    chosen = chosen_by_cell(old) | chosen_by_cell(new)
    return {**new, CHOSEN: list(chosen.values())}


def tuned_with(tune: Any) -> str:
    """Return the budget of a tuning as the verdict begins: ``Tuned with 20 trials each``.

    Args:
        tune: as the plan's spec stores it; empty without tuning.
    """
    if not isinstance(tune, Mapping):
        return ""
    seeds = f" on {len(tune['seeds'])} seeds" if len(tune["seeds"]) > 1 else ""
    return f"Tuned with {format_count(tune['trials'], 'trial')}{seeds} each"


def format_overrides(values: Mapping[str, Any]) -> str:
    """Return values as overrides, each quoted for a POSIX shell where that is needed.

    Example:
        >>> format_overrides({"optimizer.lr": 0.01, "optimizer.nesterov": True})
        'optimizer.lr=0.01 optimizer.nesterov=true'
    """
    return " ".join(shlex.quote(f"{key}={_written(value)}") for key, value in values.items())


def _written(value: Any) -> str:
    return _WORDS[value] if value is None or isinstance(value, bool) else str(value)
