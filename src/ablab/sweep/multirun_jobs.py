"""The jobs of a multirun: composes and checks every combination of the overrides' values."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from ablab.bounds import TRIALS
from ablab.config.compose import components, compose
from ablab.config.composition import Composition
from ablab.config.groups import GROUPS, OUTSIDE_KEY
from ablab.config.overrides import has_key, parse, unknown_key
from ablab.config.scalars import SEED
from ablab.config.several_values import split_sweeps
from ablab.config.trial import Trial, resolve, resolve_seeds
from ablab.faults import ConfigError, unknown_name
from ablab.sweep.combine import group_faults
from ablab.sweep.composer import Composer
from ablab.sweep.job import Job
from ablab.sweep.names import override_key
from ablab.sweep.progress import Notify, ignore, with_progress
from ablab.sweep.settings import key_labels, settings_name
from ablab.text import format_value
from ablab.tracking.plan import Cell


def plan_multirun(overrides: Sequence[str], notify: Notify = ignore) -> list[Job]:
    """Return one job for each combination, ordered by seed, then as Hydra orders the others.

    Args:
        overrides: in Hydra's multirun notation.
        notify: receives progress messages where planning may take long.

    Raises:
        ConfigError: all faults at once.
        DataError: a data set is missing or damaged.
    """
    combinations, seeds = _read(overrides)
    labels = key_labels(combinations.swept)
    failed, jobs = list[tuple[str, ConfigError]](), list[Job]()
    every = combinations.settings()
    for settings in with_progress(every, "combinations are checked", notify):
        name = settings_name(settings, labels) or combinations.name
        try:
            composition = combinations.compose(settings)
            jobs += [_job(trial, name) for trial in _trials(composition, seeds)]
        except ConfigError as error:
            failed.append((name, error))
    if failed:
        raise ConfigError(group_faults(failed, len(every)))
    _check_distinct(jobs)
    rank = {seed: number for number, seed in enumerate(seeds or ())}
    return sorted(jobs, key=lambda job: rank.get(job.cell.seed, 0))


@dataclass(frozen=True)
class _Combinations:
    """The combinations that a command asks for.

    Attributes:
        swept: key to its values, of all keys but the seed that have several.
        base: composition of the overrides that no choice can undo.
        composer: composes other components over it.
        values: overrides of values of swept groups, such as ``optimizer.lr`` of ``optimizer``.
    """

    swept: Mapping[str, Sequence[Any]]
    base: Composition
    composer: Composer
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the only combination where the seed alone is swept."""
        return " · ".join(self.base.choices[axis] for axis in ("dataset", "architecture"))

    def settings(self) -> list[dict[str, Any]]:
        """Return the settings of each combination; the last key varies first."""
        return [dict(zip(self.swept, each, strict=True)) for each in product(*self.swept.values())]

    def compose(self, settings: Mapping[str, Any]) -> Composition:
        """Return the composition of one combination."""
        choices = {key: str(value) for key, value in settings.items() if key in GROUPS}
        values = {key: value for key, value in settings.items() if key not in GROUPS}
        return self.composer(choices).with_values({**self.values, **values})


def _read(overrides: Sequence[str]) -> tuple[_Combinations, list[int] | None]:
    """Return the combinations, and the seeds if there are several."""
    fixed, swept, faults = split_sweeps(overrides, _names)
    faults += TRIALS.fault("multirun", prod(map(len, swept.values())))
    seeds = swept.get("seed")
    rule, is_seed = SEED
    faults += [f"seed must be {rule}, got {s!r}" for s in seeds or () if not is_seed(s)]
    of_swept = [text for text in fixed if override_key(text).partition(".")[0] in swept]
    others = [text for text in fixed if text not in of_swept]
    values, wrong = parse(of_swept)
    try:
        base = compose(others)
    except ConfigError as error:
        raise ConfigError([*faults, *wrong, *error.faults, *_swept_faults(swept)]) from error
    if faults := [*faults, *wrong, *_swept_faults(swept, base)]:
        raise ConfigError(faults)
    others_swept = {key: values for key, values in swept.items() if key != "seed"}
    values_of_swept = {o.key_or_group: o.value() for o in values}
    composer = Composer(others, base, sweep=None)
    return _Combinations(others_swept, base, composer, values_of_swept), seeds


def _swept_faults(
    swept: Mapping[str, Sequence[Any]], base: Composition | None = None
) -> Iterator[str]:
    """Yield the faults of keys and components that do not exist, or that no trial may vary."""
    for key, values in swept.items():
        group = key.partition(".")[0]
        if group in OUTSIDE_KEY:
            yield f"{key} must be one value for all trials, got {format_value(values)}"
        elif key in GROUPS:
            known = components(key)
            yield from (unknown_name(key, known, v) for v in values if str(v) not in known)
        elif base is not None and group not in swept and not has_key(base.config, key):
            yield unknown_key(base.config, key)


def _names(group: str) -> Collection[str]:
    return components(group) if group in GROUPS else ()


def _trials(composition: Composition, seeds: Sequence[int] | None) -> list[Trial]:
    return [resolve(composition)] if seeds is None else list(resolve_seeds(composition, seeds))


def _job(trial: Trial, name: str) -> Job:
    return Job(Cell(name, trial.config["seed"], "", trial.key), trial.as_dict())


def _check_distinct(jobs: Sequence[Job]) -> None:
    first: dict[str, Job] = {}
    pairs = [(first.setdefault(job.cell.key, job), job) for job in jobs]
    rule = "multirun must train different trials"
    faults = [
        f"{rule}, got the same for {one.cell.variant} and {other.cell.variant}"
        for one, other in pairs
        if one is not other
    ]
    if faults:
        raise ConfigError(faults)
