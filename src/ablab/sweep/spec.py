"""The `sweep:` node of a YAML: one question, checked before anything else happens."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ablab.sweep.settings import Settings, check_settings, named_product
from ablab.training.faults import ConfigError, one_of

KINDS = ("versus_baseline", "best", "equivalence", "factors")
NEED_BASELINE = ("versus_baseline", "equivalence")
KEYS = ("question", "kind", "metric", "goal", "baseline", "margin", "seeds")
KEYS += ("grid", "variants", "blocks", "exclude", "tune")


@dataclass(frozen=True)
class Spec:
    """A sweep's question.

    Attributes:
        question: the sentence that the report answers.
        kind: one of `KINDS`.
        metric: the one that is tested, ``test/accuracy``.
        goal: ``max`` or ``min``.
        baseline: name of a variant.
        margin: half the width of what counts as equal, in the metric's unit; equivalence only.
        seeds: distinct, >= 0.
        variants: name to settings, in the order of the report.
        blocks: likewise; empty where nothing is repeated.
        exclude: settings to drop, each with the reason that is printed.
        is_grid: whether the variants are a product, and so made of parts that stand elsewhere too.
        blocks_are_grid: the same of the blocks.
    """

    question: str
    kind: str
    metric: str
    goal: str
    baseline: str
    margin: float | None
    seeds: tuple[int, ...]
    variants: Mapping[str, Settings]
    blocks: Mapping[str, Settings]
    exclude: tuple[tuple[Settings, str], ...]
    is_grid: bool
    blocks_are_grid: bool


def parse(node: Mapping[str, Any] | None) -> Spec:
    """Return the question that a composed `sweep:` node asks.

    Raises:
        ConfigError: all that is wrong with it.
    """
    if not isinstance(node, Mapping):
        raise ConfigError([f"sweep must be a mapping of {', '.join(KEYS)}, got {node!r}"])
    faults: list[str] = []
    _check_keys(node, faults)
    _check_words(node, faults)
    _check_margin(node, faults)
    _check_grid(node, faults)
    variants = _choices(node, "grid" if node.get("grid") is not None else "variants", faults)
    blocks = _choices(node, "blocks", faults)
    _check_apart(variants, blocks, faults)
    spec = Spec(
        question=str(node.get("question")).strip(),
        kind=node.get("kind", KINDS[0]),
        metric=node.get("metric", "test/accuracy"),
        goal=node.get("goal", "max"),
        baseline=_baseline(node, variants, faults),
        margin=node.get("margin"),
        seeds=_seeds(node.get("seeds", 1), faults),
        variants=variants,
        blocks=blocks,
        exclude=_exclude(node.get("exclude"), faults),
        is_grid=node.get("grid") is not None,
        blocks_are_grid=_is_grid(node.get("blocks")),
    )
    if faults:
        raise ConfigError(faults)
    return spec


def _check_keys(node: Mapping[str, Any], faults: list[str]) -> None:
    for key in node:
        if key not in KEYS:
            faults.append(one_of(f"sweep.{key}", KEYS, key))
    if node.get("tune") is not None:
        faults.append(f"sweep.tune must be null (not supported yet), got {node['tune']!r}")


def _check_words(node: Mapping[str, Any], faults: list[str]) -> None:
    rules: dict[str, tuple[Any, Callable[[str], Any], str]] = {
        "question": (None, str.strip, "a sentence"),
        "kind": (KINDS[0], KINDS.__contains__, f"one of {', '.join(KINDS)}"),
        "metric": (
            "test/accuracy",
            re.compile(r"(train|val|test)/\w+$").match,
            "a metric such as test/accuracy",
        ),
        "goal": ("max", ("max", "min").__contains__, "max or min"),
    }
    for key, (default, is_good, rule) in rules.items():
        value = node.get(key, default)
        if not isinstance(value, str) or not is_good(value):
            faults.append(f"sweep.{key} must be {rule}, got {value!r}")


def _check_margin(node: Mapping[str, Any], faults: list[str]) -> None:
    margin = node.get("margin")
    if node.get("kind") == "equivalence":
        is_number = isinstance(margin, int | float) and not isinstance(margin, bool)
        if not is_number or not margin > 0:
            faults.append(
                "sweep.margin must be a number > 0 in the metric's unit, set before training, "
                f"got {margin!r}"
            )
    elif margin is not None:
        faults.append(f"sweep.margin must be null unless kind is equivalence, got {margin!r}")


def _check_grid(node: Mapping[str, Any], faults: list[str]) -> None:
    grid, variants = node.get("grid"), node.get("variants")
    if (grid is None) == (variants is None):
        got = "neither" if grid is None else "both"
        faults.append(f"sweep must be given either grid or variants, got {got}")
    if node.get("kind") != "factors":
        return
    sizes = [len(v) for v in grid.values() if isinstance(v, list)] if _is_grid(grid) else []
    if len(sizes) != 2 or min(sizes) < 2:
        faults.append(
            f"sweep.grid must be two axes of two values or more for kind factors, got {grid!r}"
        )


def _is_grid(node: Any) -> bool:
    return isinstance(node, Mapping) and any(isinstance(v, list) for v in node.values())


def _choices(node: Mapping[str, Any], kind: str, faults: list[str]) -> dict[str, Settings]:
    """Return what ``grid``, ``variants`` or ``blocks`` names, each with its settings."""
    content = node.get(kind)
    if content is None:
        return {}
    if not isinstance(content, Mapping) or not content:
        faults.append(f"sweep.{kind} must be a mapping that is not empty, got {content!r}")
        return {}
    if kind == "grid" or (kind == "blocks" and _is_grid(content)):
        return named_product(f"sweep.{kind}", content, faults)
    for name, settings in content.items():
        check_settings(f"sweep.{kind}.{name}", settings, faults)
    return {str(n): dict(s) for n, s in content.items() if isinstance(s, Mapping)}


def _check_apart(
    variants: Mapping[str, Settings], blocks: Mapping[str, Settings], faults: list[str]
) -> None:
    both = {k for s in variants.values() for k in s} & {k for s in blocks.values() for k in s}
    faults.extend(
        f"sweep.blocks must be set apart from the variants, got {key} in both"
        for key in sorted(both)
    )


def _baseline(node: Mapping[str, Any], variants: Mapping[str, Settings], faults: list[str]) -> str:
    """Return the variant that ``baseline`` names or describes."""
    wanted = node.get("baseline")
    names = list(variants)
    if wanted is None and (len(names) == 1 or node.get("kind", KINDS[0]) not in NEED_BASELINE):
        return names[0] if names else ""
    if isinstance(wanted, Mapping):
        same = [n for n in names if variants[n] == wanted]
        found = same or [n for n in names if wanted and wanted.items() <= variants[n].items()]
    else:
        found = [n for n in names if n == wanted]
    if len(found) != 1 and names:
        got = f"{wanted!r}" + (f", which is {', '.join(found)}" if found else "")
        faults.append(f"sweep.baseline must be exactly one of {', '.join(names)}, got {got}")
    return found[0] if found else ""


def _seeds(value: Any, faults: list[str]) -> tuple[int, ...]:
    if type(value) is int and value >= 1:
        return tuple(range(value))
    if isinstance(value, list) and value:
        if all(type(s) is int and s >= 0 for s in value) and len(set(value)) == len(value):
            return tuple(value)
    faults.append(f"sweep.seeds must be a count >= 1 or a list of distinct seeds, got {value!r}")
    return ()


def _exclude(value: Any, faults: list[str]) -> tuple[tuple[Settings, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        faults.append(f"sweep.exclude must be a list of mappings, got {value!r}")
        return ()
    found = []
    for number, item in enumerate(value):
        settings = {key: v for key, v in item.items() if key != "reason"}
        if not settings:
            faults.append(f"sweep.exclude.{number} must be settings to drop, got {item!r}")
        check_settings(f"sweep.exclude.{number}", settings, faults)
        found.append((settings, str(item.get("reason") or "excluded by the sweep")))
    return tuple(found)
