"""Rules of the keys of a `sweep:` node; each check appends its messages to ``faults``."""

from collections.abc import Callable, Mapping
from typing import Any

from ablab.bounds import NAME
from ablab.config.content import is_number
from ablab.faults import unknown_name
from ablab.sweep.metrics import check_metric
from ablab.text import escape_controls, format_value
from ablab.tracking.kinds import KINDS, needs
from ablab.tracking.spec import Spec

KEYS = (
    *("question", "kind", "metric", "goal", "baseline", "margin", "target", "seeds"),
    *("grid", "variants", "blocks", "exclude", "tune", "search", "claim"),
)
OF_COMPARISONS = (
    *("kind", "baseline", "margin", "target", "seeds", "grid", "variants", "exclude", "tune"),
    "claim",
)


def check_keys(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check that every key is one of `KEYS`, and that a search has none of a comparison."""
    for key in node:
        if key not in KEYS:
            faults.append(unknown_name(f"sweep.{key}", KEYS, key))
    if node.get("search") is None:
        return
    faults.extend(
        f"sweep.{key} must be null where search is set, got {format_value(node[key])}"
        for key in OF_COMPARISONS
        if node.get(key) is not None
    )


def check_texts(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check question, kind, metric and goal."""
    rules: dict[str, tuple[Any, Callable[[str], Any], str]] = {
        "question": (None, str.strip, "a sentence"),
        "kind": (Spec.kind, KINDS.__contains__, f"one of {', '.join(KINDS)}"),
        "goal": (Spec.goal, ("max", "min").__contains__, "max or min"),
    }
    for key, (default, is_good, rule) in rules.items():
        value = node.get(key, default)
        if not isinstance(value, str) or not is_good(value):
            faults.append(f"sweep.{key} must be {rule}, got {format_value(value)}")
    check_metric("sweep.metric", node.get("metric", Spec.metric), faults)


def check_name(path: str, name: str, faults: list[str]) -> None:
    """Check that the name of a variant or block can label a column, a legend entry and a run."""
    if escape_controls(name) != name or name != name.strip() or not name:
        faults.append(f"{path} must be named in one line of plain text, got {format_value(name)}")
    faults.extend(NAME.fault(f"a name of {path}", len(name), of=name))


def check_margin(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check that a margin is given for a kind that needs one, and for no other."""
    margin: Any = node.get("margin")
    if needs(node.get("kind", Spec.kind)).margin:
        if not is_number(margin) or not margin > 0:
            faults.append(
                "sweep.margin must be a number > 0 in the metric's unit, set before training, "
                f"got {format_value(margin)}"
            )
    elif margin is not None:
        kinds = " or ".join(kind for kind, needed in KINDS.items() if needed.margin)
        faults.append(
            f"sweep.margin must be null unless kind is {kinds}, got {format_value(margin)}"
        )


def check_target(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check that the target of the learning speed is an accuracy or null."""
    target: Any = node.get("target")
    if target is not None and not (is_number(target) and 0 < target < 1):
        faults.append(
            "sweep.target must be a validation accuracy in (0, 1), set before training, or null, "
            f"got {format_value(target)}"
        )


def check_grid(node: Mapping[str, Any], faults: list[str]) -> None:
    """Check that either grid or variants is given, with two axes where the kind needs them."""
    grid: Any = node.get("grid")
    if node.get("search") is not None:
        return
    if (grid is None) == (node.get("variants") is None):
        got = "neither" if grid is None else "both"
        faults.append(f"sweep must be given either grid or variants, got {got}")
    kind = node.get("kind", Spec.kind)
    if not needs(kind).grid:
        return
    sizes = [len(v) for v in grid.values() if isinstance(v, list)] if is_grid(grid) else []
    if len(sizes) != 2 or min(sizes) < 2:
        faults.append(
            f"sweep.grid must be two axes of two values or more for kind {kind}, "
            f"got {format_value(grid)}"
        )


def is_grid(node: Any) -> bool:
    """Return whether a node is a grid, whose values are lists, rather than named settings."""
    return isinstance(node, Mapping) and any(isinstance(v, list) for v in node.values())
