"""The rules of a `sweep:` node's own keys; each check adds what is wrong to ``faults``."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ablab.bounds import NAME
from ablab.config.content import is_number
from ablab.faults import one_of
from ablab.text import printable, shown
from ablab.tracking.kinds import KINDS, needs
from ablab.tracking.spec import Spec

_WORDS = ("question", "kind", "metric", "goal", "baseline", "margin", "target", "seeds")
KEYS = (*_WORDS, "grid", "variants", "blocks", "exclude", "tune")


def check_keys(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check that every key is one of `KEYS`, and none asks for what is yet to come."""
    for key in node:
        if key not in KEYS:
            faults.append(one_of(f"sweep.{key}", KEYS, key))
    if node.get("tune") is not None:
        faults.append(f"sweep.tune must be null (not supported yet), got {shown(node['tune'])}")


def check_words(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check question, kind, metric and goal."""
    rules: dict[str, tuple[Any, Callable[[str], Any], str]] = {
        "question": (None, str.strip, "a sentence"),
        "kind": (Spec.kind, KINDS.__contains__, f"one of {', '.join(KINDS)}"),
        "metric": (
            Spec.metric,
            re.compile(r"(train|val|test)/\w[\w.-]*").fullmatch,
            "a metric such as test/accuracy",
        ),
        "goal": (Spec.goal, ("max", "min").__contains__, "max or min"),
    }
    for key, (default, is_good, rule) in rules.items():
        value = node.get(key, default)
        if not isinstance(value, str) or not is_good(value):
            faults.append(f"sweep.{key} must be {rule}, got {shown(value)}")


def check_name(place: str, name: str, faults: list[str]) -> None:
    """Check that the name of a variant or block can be a column's, a legend's and a run's."""
    if printable(name) != name or name != name.strip() or not name:
        faults.append(f"{place} must be named in one line of plain text, got {shown(name)}")
    faults.extend(NAME.fault(f"a name of {place}", len(name), of=name))


def check_margin(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check that a kind that needs a margin, and no other, has one."""
    margin: Any = node.get("margin")
    if needs(node.get("kind", Spec.kind)).margin:
        if not is_number(margin) or not margin > 0:
            faults.append(
                "sweep.margin must be a number > 0 in the metric's unit, set before training, "
                f"got {shown(margin)}"
            )
    elif margin is not None:
        kinds = " or ".join(kind for kind, needed in KINDS.items() if needed.margin)
        faults.append(f"sweep.margin must be null unless kind is {kinds}, got {shown(margin)}")


def check_target(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check that a target of the speed of learning, if there is one, is an accuracy."""
    target: Any = node.get("target")
    if target is not None and not (is_number(target) and 0 < target < 1):
        faults.append(
            "sweep.target must be a validation accuracy in (0, 1), set before training, or null, "
            f"got {shown(target)}"
        )


def check_grid(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check that there is one of grid and variants, and two axes where the kind needs them."""
    grid: Any = node.get("grid")
    if (grid is None) == (node.get("variants") is None):
        got = "neither" if grid is None else "both"
        faults.append(f"sweep must be given either grid or variants, got {got}")
    kind = node.get("kind", Spec.kind)
    if not needs(kind).grid:
        return
    sizes = [len(v) for v in grid.values() if isinstance(v, list)] if is_grid(grid) else []
    if len(sizes) != 2 or min(sizes) < 2:
        faults.append(
            f"sweep.grid must be two axes of two values or more for kind {kind}, got {shown(grid)}"
        )


def is_grid(node: Any) -> bool:
    """Tell a grid, whose values are lists, from named settings."""
    return isinstance(node, Mapping) and any(isinstance(v, list) for v in node.values())
