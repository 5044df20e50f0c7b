"""The setup of a sweep: settings that all trials share, and those of variants and blocks."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablab.report.analysis.trials import Row
from ablab.tracking.plan import Plan

TARGET = "_target_"
IMAGES = {"train_images": "training", "val_images": "validation", "test_images": "test"}
Settings = Mapping[str, Any]
VariantBlock = tuple[str, str]
_ABSENT: Any = object()


@dataclass(frozen=True)
class Setup:
    """The settings of a sweep's trials, by name: ``optimizer`` and ``optimizer.lr``.

    Attributes:
        common: settings that all trials share.
        variants: by variant, settings that are the same in every block and differ between
            variants.
        blocks: by block, settings that are the same for every variant and differ between blocks.
        cells: by variant and block, settings that depend on both.
        seeded: names of settings in which trials of one variant and block differ.
        yaml: the distinct texts of the sweep's YAML as it was planned.
    """

    common: dict[str, Any]
    variants: dict[str, dict[str, Any]]
    blocks: dict[str, dict[str, Any]]
    cells: dict[VariantBlock, dict[str, Any]]
    seeded: tuple[str, ...]
    yaml: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the setup as JSON values."""
        cells = [
            {"variant": variant, "block": block, "settings": settings}
            for (variant, block), settings in self.cells.items()
        ]
        return {**vars(self), "cells": cells}


def setup(plan: Plan, rows: Sequence[Row]) -> Setup:
    """Return the setup of the trials in a plan, with the numbers of images that they counted.

    Runs that ablab did not start have the params that MLflow holds.
    """
    trials, by_cell = plan.trials, dict[VariantBlock, list[Mapping[str, Any]]]()
    for cell in plan.cells:
        by_cell.setdefault((cell.variant, cell.block), []).append(trials.get(cell.key) or {})
    seeded = _seeded(by_cell.values())
    unseeded = {
        cell: {name: value for name, value in _settings(own[0]).items() if name not in seeded}
        for cell, own in by_cell.items()
    }
    result = Setup({}, {}, {}, {}, tuple(seeded), _yaml(plan))
    for name in _names(unseeded.values()):
        values = {cell: settings.get(name, _ABSENT) for cell, settings in unseeded.items()}
        _assign(result, name, values)
    for count, split in IMAGES.items():
        counted = {(r.variant, r.block): r.metadata[count] for r in rows if count in r.metadata}
        _assign(result, f"images.{split}", counted)
    return result


def _settings(trial: Mapping[str, Any], groups: Collection[str] | None = None) -> dict[str, Any]:
    """Return a trial's settings by name, without those outside the trial key.

    Args:
        trial: the trial.
        groups: those of its configuration; by default all.
    """
    if "params" in trial:
        return dict(trial["params"])
    outside, choices = trial.get("outside_key") or (), trial.get("choices") or {}
    settings: dict[str, Any] = {}
    for name, node in (trial.get("config") or {}).items():
        if name in outside or not (groups is None or name in groups):
            continue
        if isinstance(node, Mapping) and TARGET in node:
            settings[name] = choices.get(name, node[TARGET])
        settings |= dict(_leaves(name, node))
    return settings


def _leaves(name: str, node: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(f"{name}.{key}", value)
    else:
        yield name, node


def _seeded(cells: Iterable[Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the names of settings in which trials of one cell differ."""
    differing: dict[str, None] = {}
    for trials in cells:
        # Mostly the seed alone differs: only groups that do are flattened.
        groups = {name for trial in trials[1:] for name in _differing_groups(trials[0], trial)}
        settings = [_settings(trial, groups) for trial in trials]
        for name in _names(settings):
            if len({_text(s.get(name, _ABSENT)) for s in settings}) > 1:
                differing[name] = None
    return list(differing)


def _differing_groups(a: Mapping[str, Any], b: Mapping[str, Any]) -> set[str]:
    """Return the names of the configurations' groups in which two trials differ."""
    configs = [trial.get("config") or {} for trial in (a, b)]
    choices = [trial.get("choices") or {} for trial in (a, b)]
    return {
        name
        for one, other in (configs, choices)
        for name in one.keys() | other.keys()
        if one.get(name, _ABSENT) != other.get(name, _ABSENT)
    }


def _names(settings: Iterable[Settings]) -> dict[str, None]:
    return {name: None for each in settings for name in each}


def _assign(result: Setup, name: str, values: Mapping[VariantBlock, Any]) -> None:
    """Assign a setting to `common`, `variants`, `blocks` or `cells`, given its known values."""
    texts = {cell: _text(value) for cell, value in values.items()}
    if len(set(texts.values())) == 1:
        result.common[name] = next(iter(values.values()))
        return
    present = {cell: value for cell, value in values.items() if value is not _ABSENT}
    by_variant = _differs((block, text) for (_, block), text in texts.items())
    by_block = _differs((variant, text) for (variant, _), text in texts.items())
    for (variant, block), value in present.items():
        if by_variant and not by_block:
            result.variants.setdefault(variant, {})[name] = value
        elif by_block and not by_variant:
            result.blocks.setdefault(block, {})[name] = value
        else:
            result.cells.setdefault((variant, block), {})[name] = value


def _differs(values: Iterable[tuple[str, str]]) -> bool:
    """Return whether two pairs of a group and a text agree in the group and not in the text."""
    first: dict[str, str] = {}
    return any(first.setdefault(group, text) != text for group, text in values)


def _text(value: Any) -> str:
    return "" if value is _ABSENT else json.dumps(value, sort_keys=True, default=str)


def _yaml(plan: Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.yaml for part in plan.parts if part.yaml))
