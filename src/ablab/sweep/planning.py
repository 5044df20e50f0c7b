"""Planning: composes and checks every variant × block × seed of a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ablab.config.compose import compose, sweep_names
from ablab.config.composition import Composition
from ablab.config.trial import resolve
from ablab.faults import ConfigError
from ablab.folders import lab_folder
from ablab.sweep.claim import check_planned
from ablab.sweep.claims import pretraining
from ablab.sweep.combine import Combination, combine, resolve_trials
from ablab.sweep.composer import Composer
from ablab.sweep.metrics import lacking
from ablab.sweep.names import override_key, sweep_id
from ablab.sweep.progress import Notify, ignore
from ablab.sweep.spec import SweepSpec, parse
from ablab.sweep.tune.cells import SearchCell, check_cells
from ablab.tracking.claim import Claim
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell
from ablab.tracking.spec import Spec

_MANY_TRIALS = 1000  # writing a plan of more trials takes noticeable time
RUNTIME = ("devices", "tracking", "launcher", "probes")


@dataclass(frozen=True)
class Draft:
    """A sweep as configured now, before it is merged into the plan on disk.

    Attributes:
        sweep: id of the sweep, the name of its folder and of its experiment.
        spec: the question as the plan stores it.
        cells: ordered by seed, then block and variant, so that comparisons are complete early.
        trials: key to resolved trial.
        excluded: combinations left out, each with ``variant``, ``block`` and ``reason``.
        runtime: ``devices``, ``tracking``, ``launcher`` and ``probes``, which no key depends on.
        yaml: text of the sweep's YAML.
        searches: one per variant and block where hyper-parameters are searched first; the trials
            then have the configuration's own values.
    """

    sweep: str
    spec: Spec
    cells: tuple[Cell, ...]
    trials: Mapping[str, Mapping[str, Any]]
    excluded: tuple[Mapping[str, str], ...]
    runtime: Mapping[str, Any]
    yaml: str = ""
    searches: tuple[SearchCell, ...] = ()


def plan_sweep(name: str, overrides: Sequence[str] = (), notify: Notify = ignore) -> Draft:
    """Return the trials that a sweep's YAML and the overrides define.

    Args:
        name: of the sweep.
        overrides: as on the command line.
        notify: receives progress messages where planning may take long.

    Raises:
        ConfigError: all faults at once, before anything is written.
        DataError: a data set is missing or damaged.
    """
    base = compose(overrides, sweep=name)
    spec = parse(base.sweep)
    _check_overrides(spec, overrides)
    started = list(overrides)
    if spec.claim is not None and spec.claim.pretrain:
        started.append(f"init_from={_pretrained(name, spec.claim, overrides)}")
        base = compose(started, sweep=name)
    if not spec.blocks:
        spec = replace(spec, blocks={_name_only_block(spec, base): {}})
    composer = Composer(started, base, name)
    combinations, excluded = _exclude(spec, combine(spec, composer, notify))
    _check_metrics(spec, base, combinations)
    kept, skipped = resolve_trials(spec, combinations, notify)
    _check_baseline(spec, kept)
    searches = _searches(sweep_id(name, overrides), spec, kept, composer)
    stored = spec.for_plan({c.variant for c in kept}, {c.block for c in kept})
    if len(kept) * len(spec.seeds) > _MANY_TRIALS:
        notify(f"{len(kept) * len(spec.seeds):,} trials are planned.")
    return Draft(
        sweep_id(name, overrides),
        replace(stored, tune=searches[0].plain()) if searches else stored,
        tuple(
            Cell(c.variant, seed, c.block, c.trials[number].key)
            for number, seed in enumerate(spec.seeds)
            for c in kept
        ),
        {trial.key: trial.as_dict() for c in kept for trial in c.trials},
        (*excluded, *skipped),
        {group: node for group, node in base.resolved().items() if group in RUNTIME},
        sweep_names()[name].read_text("utf-8"),
        searches,
    )


def required_datasets(name: str, overrides: Sequence[str] = ()) -> frozenset[str]:
    """Return the names of the data sets that a sweep uses, without reading any of them.

    Raises:
        ConfigError: all faults of the sweep.
    """
    base = compose(overrides, sweep=name)
    spec = parse(base.sweep)
    varied = [
        {settings.get("dataset") for settings in some.values()}
        for some in (spec.variants, spec.blocks)
    ]
    names = {n for some in varied for n in some if n is not None}
    is_always_set = any(some and None not in some for some in varied)
    return frozenset([*map(str, names), *([] if is_always_set else [base.choices["dataset"]])])


def _searches(
    sweep: str, spec: SweepSpec, kept: Sequence[Combination], composer: Composer
) -> tuple[SearchCell, ...]:
    """Return the searches of all variants and blocks, their spaces checked."""
    if spec.search is None:
        return ()
    cells = tuple(
        SearchCell(sweep, c.variant, c.block, c.settings, composer, spec.search, spec.metric)
        for c in kept
    )
    check_cells(cells)
    return cells


def _check_overrides(spec: SweepSpec, overrides: Sequence[str]) -> None:
    """Refuse an override of a key that the variants or blocks set."""
    everything = (*spec.variants.values(), *spec.blocks.values())
    varied = {"seed", *(key for settings in everything for key in settings)}
    if spec.search is not None:
        varied |= {key for name in spec.variants for key in spec.search.space_of(name)}
    faults = [
        f"{override_key(o)} must be left to the sweep, which varies it, got {o}"
        for o in overrides
        if override_key(o) in varied
    ]
    if faults:
        raise ConfigError(faults)


def find_pretrained(overrides: Sequence[str]) -> tuple[str, bool]:
    """Return the key of the trial whose weights others start from, and whether it is finished.

    Args:
        overrides: of that trial.
    """
    key = resolve(compose(overrides)).key
    return key, Lab(lab_folder()).finished(key) is not None


def _pretrained(name: str, claim: Claim, overrides: Sequence[str]) -> str:
    """Return the key of the finished trial whose weights the variants of a claim start from.

    Raises:
        ConfigError: the lab has no such trial.
    """
    needed = pretraining(claim, overrides)
    key, is_trained = find_pretrained(needed)
    if not is_trained:
        command = f"`ablab claims run {claim.number or name}` or `ablab train {' '.join(needed)}`"
        rule = f"trained before {name}, which starts from its weights ({command})"
        raise ConfigError([f"trial {key} must be {rule}, got none that is finished"])
    return key


def _check_metrics(spec: SweepSpec, base: Composition, combinations: Sequence[Combination]) -> None:
    """Refuse a claim about variants that are excluded, and metrics that the trials would lack."""
    faults: list[str] = []
    names = {"sweep.metric": spec.metric}
    if spec.claim is not None:
        used = spec.for_plan({c.variant for c in combinations}, {c.block for c in combinations})
        check_planned(spec.claim, used, faults)
        for number, each in enumerate(spec.claim.expects):
            path = f"sweep.claim.expects.{number}"
            names |= {f"{path}.metric": each.metric} if each.metric else {}
            names |= {f"{path}.against": each.against} if each.against else {}
    probes = base.resolved()["probes"]
    for path, name in names.items():
        configs = (c.composition.resolved() for c in combinations)
        faults += lacking(path, name, spec.target, probes, configs)
    if faults:
        raise ConfigError(faults)


def _name_only_block(spec: SweepSpec, base: Composition) -> str:
    varied = {key for settings in spec.variants.values() for key in settings}
    axes = (axis for axis in ("dataset", "architecture") if axis not in varied)
    return " · ".join(base.choices[axis] for axis in axes)


def _exclude(
    spec: SweepSpec, combinations: Sequence[Combination]
) -> tuple[list[Combination], list[dict[str, str]]]:
    unmatched = [
        f"sweep.exclude.{number} must match a variant in a block, got {dict(settings)}"
        for number, (settings, _) in enumerate(spec.exclude)
        if not any(c.matches(settings) for c in combinations)
    ]
    if unmatched:
        raise ConfigError(unmatched)
    kept, excluded = [], []
    for c in combinations:
        reason = next((reason for settings, reason in spec.exclude if c.matches(settings)), None)
        if reason is None:
            kept.append(c)
        else:
            excluded.append({"variant": c.variant, "block": c.block, "reason": reason})
    return kept, excluded


def _check_baseline(spec: SweepSpec, kept: Sequence[Combination]) -> None:
    blocks = {c.block for c in kept}
    with_baseline = {c.block for c in kept if c.variant == spec.baseline}
    lost = [block for block in spec.blocks if block in blocks - with_baseline]
    if lost or not kept:
        where = ", ".join(lost) or "every block"
        raise ConfigError(
            [f"sweep.exclude must leave the baseline {spec.baseline}, got none in {where}"]
        )
