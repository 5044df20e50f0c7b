"""From a question to its trials: every variant × seed × block, composed, checked and frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ablab.config.compose import compose, sweep_names
from ablab.config.composition import Composition
from ablab.config.swap import Exchange
from ablab.faults import ConfigError
from ablab.sweep.combine import Combination, combine, settle
from ablab.sweep.counted import Say, silent
from ablab.sweep.names import override_key, sweep_id
from ablab.sweep.spec import SweepSpec, parse
from ablab.tracking.plan import Cell
from ablab.tracking.spec import Spec

_MANY_TRIALS = 1000  # whose plan takes more than an instant to write
RUNTIME = ("devices", "tracking", "launcher", "probes")


@dataclass(frozen=True)
class Draft:
    """A sweep as it would be frozen now.

    Attributes:
        sweep: its id, which names its folder and its experiment.
        spec: the question as the plan keeps it.
        cells: seed by seed, blocks and variants within, so that comparisons are complete early.
        trials: key to trial, frozen.
        excluded: what was left out, each with ``variant``, ``block`` and ``reason``.
        runtime: ``devices``, ``tracking``, ``launcher`` and ``probes``, which are in no key.
        yaml: text of the sweep's YAML.
    """

    sweep: str
    spec: Spec
    cells: tuple[Cell, ...]
    trials: Mapping[str, Mapping[str, Any]]
    excluded: tuple[Mapping[str, str], ...]
    runtime: Mapping[str, Any]
    yaml: str = ""


def draft(name: str, overrides: Sequence[str] = (), say: Say = silent) -> Draft:
    """Return the trials that a sweep's YAML and the overrides ask for.

    Args:
        name: of the sweep.
        overrides: as on the command line.
        say: takes a word on how far it is, where that may take long.

    Raises:
        ConfigError: all that is wrong, before anything has been made.
        DataError: a data set is missing or damaged.
    """
    base = compose(overrides, sweep=name)
    spec = parse(base.sweep)
    _check_overrides(spec, overrides)
    if not spec.blocks:
        spec = replace(spec, blocks={_only_block(spec, base): {}})
    combinations, excluded = _without_excluded(
        spec, combine(spec, _Composer(name, overrides, base), say)
    )
    kept, skipped = settle(spec, combinations, say)
    _check_baseline(spec, kept)
    trials = {c.place: c.trials for c in kept}
    if len(kept) * len(spec.seeds) > _MANY_TRIALS:
        say(f"{len(kept) * len(spec.seeds):,} trials are planned.")
    cells = [
        Cell(c.variant, seed, c.block, trials[c.place][number].key)
        for number, seed in enumerate(spec.seeds)
        for c in kept
    ]
    frozen = {trial.key: trial.as_dict() for row in trials.values() for trial in row}
    runtime = {group: node for group, node in base.resolved().items() if group in RUNTIME}
    return Draft(
        sweep_id(name, overrides),
        spec.planned({c.variant for c in kept}, {c.block for c in kept}),
        tuple(cells),
        frozen,
        (*excluded, *skipped),
        runtime,
        sweep_names()[name].read_text("utf-8"),
    )


class _Composer:
    """Composes once for each set of group choices that differ from the base's."""

    def __init__(self, name: str, overrides: Sequence[str], base: Composition) -> None:
        self._name, self._overrides = name, tuple(overrides)
        self._base_choices, self._exchange = base.choices, Exchange(base, overrides, name)
        self._made: dict[tuple[str, ...], Composition] = {(): base}

    def __call__(self, choices: Mapping[str, str]) -> Composition:
        """Return the composition with ``choices``, group to component, over the overrides."""
        new = {k: v for k, v in choices.items() if self._base_choices.get(k) != v}
        changes = tuple(f"{group}={name}" for group, name in new.items())
        if changes not in self._made:
            self._made[changes] = self._exchange(new) or compose(
                (*self._overrides, *changes), sweep=self._name
            )
        return self._made[changes]


def _check_overrides(spec: SweepSpec, overrides: Sequence[str]) -> None:
    """Refuse an override that every variant or block would undo."""
    everything = (*spec.variants.values(), *spec.blocks.values())
    varied = {"seed", *(key for settings in everything for key in settings)}
    faults = [
        f"{override_key(o)} must be left to the sweep, which varies it, got {o}"
        for o in overrides
        if override_key(o) in varied
    ]
    if faults:
        raise ConfigError(faults)


def _only_block(spec: SweepSpec, base: Composition) -> str:
    varied = {key for settings in spec.variants.values() for key in settings}
    axes = (axis for axis in ("dataset", "architecture") if axis not in varied)
    return " · ".join(base.choices[axis] for axis in axes)


def _without_excluded(
    spec: SweepSpec, combinations: Sequence[Combination]
) -> tuple[list[Combination], list[dict[str, str]]]:
    idle = [
        f"sweep.exclude.{number} must match a variant in a block, got {dict(wanted)}"
        for number, (wanted, _) in enumerate(spec.exclude)
        if not any(c.matches(wanted) for c in combinations)
    ]
    if idle:
        raise ConfigError(idle)
    kept, excluded = [], []
    for c in combinations:
        reason = next((reason for wanted, reason in spec.exclude if c.matches(wanted)), None)
        if reason is None:
            kept.append(c)
        else:
            excluded.append({"variant": c.variant, "block": c.block, "reason": reason})
    return kept, excluded


def _check_baseline(spec: SweepSpec, kept: Sequence[Combination]) -> None:
    places = {c.place for c in kept}
    blocks = {c.block for c in kept}
    lost = [
        block for block in spec.blocks if block in blocks and (spec.baseline, block) not in places
    ]
    if lost or not kept:
        where = ", ".join(lost) or "every block"
        raise ConfigError(
            [f"sweep.exclude must leave the baseline {spec.baseline}, got none in {where}"]
        )
