"""The setup of a comparison: what all trials share, and what variants and blocks set beside it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablab.report.analysis.trials import Row
from ablab.tracking.plan import Plan

TARGET = "_target_"
IMAGES = {"train_images": "training", "val_images": "validation", "test_images": "test"}
Settings = Mapping[str, Any]
Place = tuple[str, str]
_ABSENT: Any = object()


@dataclass(frozen=True)
class Setup:
    """The settings of a comparison's trials, by name: ``optimizer`` and ``optimizer.lr``.

    Attributes:
        common: what all trials share.
        variants: by variant, what it sets in every block and other variants set otherwise.
        blocks: by block, what it sets for every variant and other blocks set otherwise.
        cells: by variant and block, what depends on both.
        seeded: names of settings in which trials of one variant and block differ.
        yaml: the sweep's YAML as it was planned, once for each text that there was.
    """

    common: dict[str, Any]
    variants: dict[str, dict[str, Any]]
    blocks: dict[str, dict[str, Any]]
    cells: dict[Place, dict[str, Any]]
    seeded: tuple[str, ...]
    yaml: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        cells = [
            {"variant": variant, "block": block, "settings": settings}
            for (variant, block), settings in self.cells.items()
        ]
        return {**vars(self), "cells": cells}


def setup(plan: Plan, rows: Sequence[Row]) -> Setup:
    """Return the setup of a plan's trials, as the plan froze them; images as trials counted them.

    Others' runs have the params that MLflow holds of them.
    """
    found: dict[Place, list[Settings]] = {}
    for cell in plan.cells:
        trial = plan.trials.get(cell.key) or {}
        found.setdefault((cell.variant, cell.block), []).append(_settings(trial))
    seeded = _seeded(found.values())
    one = {
        place: {name: value for name, value in settings[0].items() if name not in seeded}
        for place, settings in found.items()
    }
    made = Setup({}, {}, {}, {}, tuple(seeded), _yaml(plan))
    for name in _names(one.values()):
        _sort(made, name, {place: settings.get(name, _ABSENT) for place, settings in one.items()})
    for fact, which in IMAGES.items():
        counted = {(r.variant, r.block): r.metadata[fact] for r in rows if fact in r.metadata}
        _sort(made, f"images.{which}", counted)
    return made


def _settings(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's settings by name, without what is in no key."""
    if "params" in trial:
        return dict(trial["params"])
    outside, choices = trial.get("outside_key") or (), trial.get("choices") or {}
    found: dict[str, Any] = {}
    for name, node in (trial.get("config") or {}).items():
        if name in outside:
            continue
        if isinstance(node, Mapping) and TARGET in node:
            found[name] = choices.get(name, node[TARGET])
        found |= dict(_leaves(name, node))
    return found


def _leaves(name: str, node: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(f"{name}.{key}", value)
    else:
        yield name, node


def _seeded(cells: Iterable[Sequence[Settings]]) -> list[str]:
    """Return the names in which trials of one cell differ."""
    found: dict[str, None] = {}
    for settings in cells:
        for name in _names(settings):
            if len({_text(s.get(name, _ABSENT)) for s in settings}) > 1:
                found[name] = None
    return list(found)


def _names(settings: Iterable[Settings]) -> dict[str, None]:
    return {name: None for each in settings for name in each}


def _sort(made: Setup, name: str, values: Mapping[Place, Any]) -> None:
    """Put one setting where it belongs, given its value in each cell where that is known."""
    texts = {place: _text(value) for place, value in values.items()}
    if len(set(texts.values())) == 1:
        made.common[name] = next(iter(values.values()))
        return
    kept = {place: value for place, value in values.items() if value is not _ABSENT}
    by_variant = _differs((block, text) for (_, block), text in texts.items())
    by_block = _differs((variant, text) for (variant, _), text in texts.items())
    for (variant, block), value in kept.items():
        if by_variant and not by_block:
            made.variants.setdefault(variant, {})[name] = value
        elif by_block and not by_variant:
            made.blocks.setdefault(block, {})[name] = value
        else:
            made.cells.setdefault((variant, block), {})[name] = value


def _differs(values: Iterable[tuple[str, str]]) -> bool:
    """Tell whether any group, named first, holds two different texts."""
    first: dict[str, str] = {}
    return any(first.setdefault(group, text) != text for group, text in values)


def _text(value: Any) -> str:
    return "" if value is _ABSENT else json.dumps(value, sort_keys=True, default=str)


def _yaml(plan: Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.yaml for part in plan.parts if part.yaml))
