"""Combinations of variant and block: which of them are trials, and which cannot be."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from ablab.config.compose import AXES
from ablab.config.composition import Composition
from ablab.config.trial import Trial, resolve_seeds, used_axes
from ablab.faults import ConfigError
from ablab.sweep.counted import Say, counted, silent
from ablab.sweep.settings import CHOICES, matches
from ablab.sweep.spec import SweepSpec
from ablab.tracking.spec import Settings

_NOT_ALL = "; a grid sets it for all: list under variants: which settings go together"


@dataclass(frozen=True)
class Combination:
    """One variant in one block.

    Attributes:
        parts: what it is made of; one that cannot work is skipped only if each of them can.
    """

    variant: str
    block: str
    settings: Settings
    composition: Composition
    parts: frozenset[tuple[str, str]]
    trials: tuple[Trial, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """Variant and block."""
        return self.variant, self.block

    def matches(self, wanted: Settings) -> bool:
        """Tell whether the combination has all that is wanted."""
        return matches(wanted, self.settings, self.composition.choices)


def combine(
    spec: SweepSpec, composer: Callable[[Mapping[str, str]], Composition], say: Say = silent
) -> list[Combination]:
    """Compose every variant in every block.

    Args:
        spec: the question.
        composer: from the chosen components to a composition.
        say: takes a word on how far it is.

    Raises:
        ConfigError: components and keys that do not exist, all of them.
    """
    found: list[Combination] = []
    failed: list[tuple[str, ConfigError]] = []
    places = list(product(spec.blocks.items(), spec.variants.items()))
    for (block, around), (variant, own) in counted(places, "combinations are composed", say):
        settings = {**around, **own}
        choices = {key: v for key, v in settings.items() if key in CHOICES}
        values = {key: v for key, v in settings.items() if key not in CHOICES}
        try:
            composition = composer(choices).with_values(values)
        except ConfigError as error:
            failed.append((f"{variant} in {block}", error))
            continue
        parts = _parts("variant", variant, own, spec.is_grid)
        parts |= _parts("block", block, around, spec.blocks_are_grid)
        found.append(Combination(variant, block, settings, composition, parts))
    if failed:
        raise ConfigError(_told_apart(failed, len(places), _NOT_ALL if spec.is_grid else ""))
    return found


def _parts(kind: str, name: str, settings: Settings, is_grid: bool) -> frozenset[tuple[str, str]]:
    if not is_grid:
        return frozenset({(kind, name)} if settings or kind == "variant" else ())
    return frozenset((key, json.dumps(value)) for key, value in settings.items())


def settle(
    spec: SweepSpec, combinations: Sequence[Combination], say: Say = silent
) -> tuple[list[Combination], list[dict[str, str]]]:
    """Freeze the trials of every combination and leave out those that cannot work.

    Returns:
        The combinations with their trials, and what was skipped with its reason.

    Raises:
        ConfigError: a combination fails of which a part works nowhere, or which is the baseline;
            or two combinations are the same trial.
    """
    kept: list[Combination] = []
    failed: list[tuple[Combination, ConfigError]] = []
    for c in counted(combinations, "combinations are checked", say):
        try:
            kept.append(_with_trials(c, spec.seeds))
        except ConfigError as error:
            failed.append((c, error))
    working = frozenset().union(*(c.parts for c in kept))
    stands = [
        (f"{c.variant} in {c.block}", error)
        for c, error in failed
        if not c.parts <= working or c.variant == spec.baseline
    ]
    if stands:
        raise ConfigError(_told_apart(stands, len(combinations)))
    _check_distinct(spec, kept)
    skipped = [
        {"variant": c.variant, "block": c.block, "reason": "; ".join(error.faults)}
        for c, error in failed
    ]
    return kept, skipped


def _with_trials(c: Combination, seeds: Sequence[int]) -> Combination:
    trials = tuple(resolve_seeds(c.composition, seeds))
    return Combination(c.variant, c.block, c.settings, c.composition, c.parts, trials)


def _told_apart(failed: Sequence[tuple[str, ConfigError]], total: int, hint: str = "") -> list[str]:
    """Return each fault once, with the combinations that have it, and a hint, unless all do."""
    places: dict[str, list[str]] = {}
    for place, error in failed:
        for fault in error.faults:
            places.setdefault(fault, []).append(place)
    return [f if len(w) == total else f"{f} ({', '.join(w)}{hint})" for f, w in places.items()]


def _check_distinct(spec: SweepSpec, kept: Sequence[Combination]) -> None:
    """Refuse two combinations that differ in nothing, or only in what the network never uses."""
    seen: dict[str, Combination] = {}
    faults = []
    for c in kept:
        first = seen.setdefault(_effect(c.trials[0]), c)
        if first is c:
            continue
        twins = f"{first.variant} and {c.variant}"
        if first.block != c.block:
            twins = f"{first.variant} in {first.block} and {c.variant} in {c.block}"
        unused = sorted(set(c.settings) & set(AXES) - used_axes(c.trials[0].config))
        if first.trials[0].key == c.trials[0].key or not unused:
            faults.append(f"sweep must compare different trials, got the same for {twins}")
        else:
            network = c.composition.choices["architecture"]
            faults.append(
                f"sweep must vary what {network} uses, got {', '.join(unused)}, which it never "
                f"does: {twins} are the same trial"
            )
    if faults:
        raise ConfigError(faults)


def _effect(trial: Trial) -> str:
    """Return what the trial does: its configuration without the axes that it never uses."""
    used = used_axes(trial.config)
    told: Mapping[str, Any] = {
        key: value
        for key, value in trial.config.items()
        if key not in trial.outside_key and (key not in AXES or key in used)
    }
    return json.dumps([told, trial.sources], sort_keys=True, default=str)
