"""Combinations of variant and block: composes them and resolves the trials of those that work."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ablab.config.composition import Composition
from ablab.config.groups import AXES
from ablab.config.trial import Trial, resolve_seeds, used_axes
from ablab.faults import ConfigError
from ablab.sweep.progress import Notify, ignore, with_progress
from ablab.sweep.settings import compose_settings, matches
from ablab.sweep.spec import SweepSpec
from ablab.tracking.spec import Settings

_GRID_HINT = "; a grid sets it for all: list under variants: which settings go together"


@dataclass(frozen=True)
class Combination:
    """One variant in one block.

    Attributes:
        parts: the settings it consists of. A combination that fails is skipped only if each of
            its parts works in another one.
        trials: one per seed.
    """

    variant: str
    block: str
    settings: Settings
    composition: Composition
    parts: frozenset[tuple[str, str]]
    trials: tuple[Trial, ...] = ()

    def matches(self, settings: Settings) -> bool:
        """Return whether the combination has all these settings."""
        return matches(settings, self.settings, self.composition.choices)


def combine(
    spec: SweepSpec, composer: Callable[[Mapping[str, str]], Composition], notify: Notify = ignore
) -> list[Combination]:
    """Compose every variant in every block.

    Args:
        spec: the question.
        composer: from group choices to a composition.
        notify: receives progress messages.

    Raises:
        ConfigError: all components and keys that do not exist.
    """
    combinations: list[Combination] = []
    failed: list[tuple[str, ConfigError]] = []
    pairs = list(product(spec.blocks.items(), spec.variants.items()))
    progress = with_progress(pairs, "combinations are composed", notify)
    for (block, block_settings), (variant, variant_settings) in progress:
        settings = {**block_settings, **variant_settings}
        try:
            composition = compose_settings(composer, settings)
        except ConfigError as error:
            failed.append((f"{variant} in {block}", error))
            continue
        parts = _parts("variant", variant, variant_settings, spec.is_grid)
        parts |= _parts("block", block, block_settings, spec.blocks_are_grid)
        combinations.append(Combination(variant, block, settings, composition, parts))
    if failed:
        hint = _GRID_HINT if spec.is_grid else ""
        raise ConfigError(group_faults(failed, len(pairs), hint))
    return combinations


def _parts(kind: str, name: str, settings: Settings, is_grid: bool) -> frozenset[tuple[str, str]]:
    if not is_grid:
        return frozenset({(kind, name)} if settings or kind == "variant" else ())
    return frozenset((key, json.dumps(value)) for key, value in settings.items())


def resolve_trials(
    spec: SweepSpec, combinations: Sequence[Combination], notify: Notify = ignore
) -> tuple[list[Combination], list[dict[str, str]]]:
    """Resolve the trials of every combination and skip those that cannot work.

    Returns:
        The combinations with their trials; and the skipped ones, each with ``variant``, ``block``
        and ``reason``.

    Raises:
        ConfigError: a combination fails that has a part which works nowhere, or that is the
            baseline; or two combinations are the same trial.
    """
    kept: list[Combination] = []
    failed: list[tuple[Combination, ConfigError]] = []
    for c in with_progress(combinations, "combinations are checked", notify):
        try:
            kept.append(replace(c, trials=tuple(resolve_seeds(c.composition, spec.seeds))))
        except ConfigError as error:
            failed.append((c, error))
    working = frozenset().union(*(c.parts for c in kept))
    refused = [
        (f"{c.variant} in {c.block}", error)
        for c, error in failed
        if not c.parts <= working or c.variant == spec.baseline
    ]
    if refused:
        raise ConfigError(group_faults(refused, len(combinations)))
    _check_distinct(spec, kept)
    skipped = [
        {"variant": c.variant, "block": c.block, "reason": "; ".join(error.faults)}
        for c, error in failed
    ]
    return kept, skipped


def group_faults(
    failed: Sequence[tuple[str, ConfigError]], total: int, hint: str = ""
) -> list[str]:
    """Return each fault once; unless all combinations have it, name those that do, and the hint."""
    combinations: dict[str, list[str]] = {}
    for combination, error in failed:
        for fault in error.faults:
            combinations.setdefault(fault, []).append(combination)
    return [
        fault if len(names) == total else f"{fault} ({', '.join(names)}{hint})"
        for fault, names in combinations.items()
    ]


def _check_distinct(spec: SweepSpec, kept: Sequence[Combination]) -> None:
    """Refuse two combinations that differ in nothing, or only in what the network never uses."""
    seen: dict[str, Combination] = {}
    faults = []
    for c in kept:
        first = seen.setdefault(_effective_config(c.trials[0]), c)
        if first is c:
            continue
        pair = f"{first.variant} and {c.variant}"
        if first.block != c.block:
            pair = f"{first.variant} in {first.block} and {c.variant} in {c.block}"
        unused = sorted(set(c.settings) & set(AXES) - used_axes(c.trials[0].config))
        if first.trials[0].key == c.trials[0].key or not unused:
            faults.append(f"sweep must compare different trials, got the same for {pair}")
        else:
            network = c.composition.choices["architecture"]
            faults.append(
                f"sweep must vary what {network} uses, got {', '.join(unused)}, which it does not "
                f"use: {pair} are the same trial"
            )
    if faults:
        raise ConfigError(faults)


def _effective_config(trial: Trial) -> str:
    """Return the configuration as JSON, without the axes that the network never uses."""
    used = used_axes(trial.config)
    config: Mapping[str, Any] = {
        key: value
        for key, value in trial.config.items()
        if key not in trial.outside_key and (key not in AXES or key in used)
    }
    return json.dumps([config, trial.sources], sort_keys=True, default=str)
