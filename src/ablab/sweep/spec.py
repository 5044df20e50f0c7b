"""The `sweep:` node of a YAML: one question, checked before anything else happens."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ablab.bounds import TRIALS
from ablab.config.content import content_faults, is_integer
from ablab.faults import ConfigError
from ablab.sweep.rules import (
    KEYS,
    check_grid,
    check_keys,
    check_margin,
    check_name,
    check_target,
    check_words,
    is_grid,
)
from ablab.sweep.settings import check_settings, named_product
from ablab.text import printable, shown, shown_name
from ablab.tracking.kinds import needs
from ablab.tracking.spec import Settings, Spec

_LISTED = 50  # names in a fault


@dataclass(frozen=True)
class SweepSpec(Spec):
    """A question as a sweep's YAML asks it: with what the plan need not keep.

    Attributes:
        exclude: settings to drop, each with the reason that is printed.
        is_grid: whether the variants are a product, and so made of parts that stand elsewhere too.
        blocks_are_grid: the same of the blocks.
    """

    exclude: tuple[tuple[Settings, str], ...] = ()
    is_grid: bool = False
    blocks_are_grid: bool = False

    def planned(self, variants: Collection[str], blocks: Collection[str]) -> Spec:
        """Return the question as the plan keeps it, without what has no cell."""
        asked = {f.name: getattr(self, f.name) for f in fields(Spec)}
        asked["variants"] = {n: dict(s) for n, s in self.variants.items() if n in variants}
        asked["blocks"] = {n: dict(s) for n, s in self.blocks.items() if n in blocks}
        return Spec(**asked)


def parse(node: Mapping[str, Any] | None) -> SweepSpec:
    """Return the question that a composed `sweep:` node asks.

    Raises:
        ConfigError: all that is wrong with it.
    """
    if not isinstance(node, Mapping):
        raise ConfigError([f"sweep must be a mapping of {', '.join(KEYS)}, got {shown(node)}"])
    if faults := content_faults("sweep", node):
        raise ConfigError(faults)
    check_keys(node, faults)
    check_words(node, faults)
    check_margin(node, faults)
    check_target(node, faults)
    check_grid(node, faults)
    variants = _choices(node, "grid" if node.get("grid") is not None else "variants", faults)
    blocks = _choices(node, "blocks", faults)
    _check_apart(variants, blocks, faults)
    spec = SweepSpec(
        question=_line(node.get("question")),
        kind=node.get("kind", Spec.kind),
        metric=node.get("metric", Spec.metric),
        goal=node.get("goal", Spec.goal),
        baseline=_baseline(node, variants, faults),
        margin=node.get("margin"),
        target=node.get("target"),
        seeds=_seeds(node.get("seeds", 1), faults),
        variants=variants,
        blocks=blocks,
        exclude=_exclude(node.get("exclude"), faults),
        is_grid=node.get("grid") is not None,
        blocks_are_grid=is_grid(node.get("blocks")),
    )
    cells = max(1, len(variants)) * max(1, len(blocks)) * max(1, len(spec.seeds))
    faults += [] if faults else TRIALS.fault("sweep", cells)
    if faults:
        raise ConfigError(faults)
    return spec


def _choices(node: Mapping[str, Any], kind: str, faults: list[str]) -> dict[str, Settings]:
    """Return what ``grid``, ``variants`` or ``blocks`` names, each with its settings."""
    content = node.get(kind)
    if content is None:
        return {}
    if not isinstance(content, Mapping) or not content:
        faults.append(f"sweep.{kind} must be a mapping that is not empty, got {shown(content)}")
        return {}
    if kind == "grid" or (kind == "blocks" and is_grid(content)):
        return named_product(f"sweep.{kind}", content, faults)
    for name, settings in content.items():
        check_name(f"sweep.{kind}", name, faults)
        check_settings(f"sweep.{kind}.{shown_name(name)}", settings, faults)
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
    if wanted is None and (len(names) == 1 or not needs(node.get("kind", Spec.kind)).baseline):
        return names[0] if names else ""
    if isinstance(wanted, Mapping):
        same = [n for n in names if variants[n] == wanted]
        found = same or [n for n in names if wanted and wanted.items() <= variants[n].items()]
    else:
        found = [n for n in names if n == wanted]
    if len(found) != 1 and names:
        got = shown(wanted) + (f", which is {_listed(found)}" if found else "")
        faults.append(f"sweep.baseline must be exactly one of {_listed(names)}, got {got}")
    return found[0] if found else ""


def _line(text: Any) -> str:
    """Return a sentence as the plan keeps it, and every page and terminal shows it: one line."""
    return printable(" ".join(str(text).split()))


def _listed(names: Sequence[str]) -> str:
    shown_names = ", ".join(map(shown_name, names[:_LISTED]))
    left = len(names) - _LISTED
    return f"{shown_names} and {left:,} more" if left > 0 else shown_names


def _seeds(value: Any, faults: list[str]) -> tuple[int, ...]:
    count = len(value) if isinstance(value, list) else value
    if is_integer(count) and (many := TRIALS.fault("sweep.seeds", count)):
        faults += many
        return ()
    if is_integer(value) and value >= 1:
        return tuple(range(value))
    distinct = isinstance(value, list) and all(is_integer(s) and s >= 0 for s in value)
    if distinct and value and len(set(value)) == len(value):
        return tuple(value)
    faults.append(
        f"sweep.seeds must be a count >= 1 or a list of distinct seeds, got {shown(value)}"
    )
    return ()


def _exclude(value: Any, faults: list[str]) -> tuple[tuple[Settings, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        faults.append(f"sweep.exclude must be a list of mappings, got {shown(value)}")
        return ()
    found = []
    for number, item in enumerate(value):
        settings = {key: v for key, v in item.items() if key != "reason"}
        if not settings:
            faults.append(f"sweep.exclude.{number} must be settings to drop, got {shown(item)}")
        check_settings(f"sweep.exclude.{number}", settings, faults)
        found.append((settings, _line(item.get("reason") or "excluded by the sweep")))
    return tuple(found)
