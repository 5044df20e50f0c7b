"""The search of one variant in one block: its space, and its trials for given values."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablab.config.composition import Composition
from ablab.config.content import value_at
from ablab.config.overrides import has_key, unknown_key
from ablab.config.trial import Trial, resolve_seeds
from ablab.faults import ConfigError
from ablab.sweep.settings import CHOICES, compose_settings
from ablab.sweep.tune.search import Search
from ablab.sweep.tune.space import Range, Space
from ablab.text import format_name
from ablab.tracking.metrics import METRICS
from ablab.tracking.search import SearchRecord
from ablab.tracking.spec import Settings

Composer = Callable[[Mapping[str, str]], Composition]


@dataclass(frozen=True)
class SearchCell:
    """One variant in one block, whose hyper-parameters are searched.

    Attributes:
        sweep: id of the sweep.
        variant: name of the variant.
        block: name of the block.
        settings: of both.
        composer: from group choices to a composition.
        search: how the values are searched.
        metric: that of the sweep.
    """

    sweep: str
    variant: str
    block: str
    settings: Settings
    composer: Composer
    search: Search
    metric: str

    @property
    def judged_by(self) -> str:
        """The validation metric that is searched for, at the epoch that validation chose."""
        return judged_by(self.metric)

    @property
    def goal(self) -> str:
        """``max`` or ``min``."""
        return METRICS[self.judged_by].goal

    @property
    def direction(self) -> int:
        """1 if higher is better, -1 if lower is."""
        return -1 if self.goal == "min" else 1

    def plain(self) -> dict[str, Any]:
        """Return how it searches as the plan stores it."""
        return self.search.plain() | {"metric": self.judged_by, "goal": self.goal}

    @cached_property
    def base(self) -> Mapping[str, Any]:
        """The configuration's own value of each searched key."""
        composition = compose_settings(self.composer, self.settings)
        config = composition.resolved()
        space = self.search.space_of(self.variant)
        choices = composition.choices
        return {k: choices.get(k) if k in CHOICES else value_at(config, k) for k in space}

    @property
    def has_base(self) -> bool:
        """Whether the configuration's own values lie in the space; the search then begins there."""
        return all(dimension.has(self.base[key]) for key, dimension in self.space.items())

    @cached_property
    def space(self) -> Space:
        """What is searched; a range written in integers is of decimals where the base value is."""
        return {
            key: dimension.for_value(self.base[key]) if isinstance(dimension, Range) else dimension
            for key, dimension in self.search.space_of(self.variant).items()
        }

    def check(self) -> list[str]:
        """Return the faults of its space: keys that it lacks, values that no trial can have."""
        composition = compose_settings(self.composer, self.settings)
        space = self.search.space_of(self.variant)
        if any(key in CHOICES for key in space):
            return self._faults_of_corners()
        missing = [key for key in space if not has_key(composition.config, key)]
        if missing:
            return [unknown_key(composition.config, key) for key in missing]
        return self._faults_of_corners()

    def _faults_of_corners(self) -> list[str]:
        faults: dict[str, None] = {}
        for key, dimension in self.space.items():
            for value in dimension.corners():
                try:
                    self.tuning_trials({key: value})
                except ConfigError as error:
                    faults |= dict.fromkeys(error.faults)
        return list(faults)

    def tuning_trials(self, values: Settings) -> list[Trial]:
        """Return the trials of a setting, one per tuning seed.

        Raises:
            ConfigError: all faults that can be found before training.
        """
        epochs = self.search.epochs
        length = {} if epochs is None else {"trainer.max_epochs": epochs}
        return self.trials({**values, **length}, self.search.seeds)

    def trials(self, values: Settings, seeds: Sequence[int]) -> list[Trial]:
        """Return the trials of a setting on these seeds.

        Raises:
            ConfigError: all faults that can be found before training.
        """
        composition = compose_settings(self.composer, {**self.settings, **values})
        return list(resolve_seeds(composition, seeds))

    @cached_property
    def first(self) -> Trial:
        """The trial of the configuration's own values on the first tuning seed."""
        return self.tuning_trials({})[0]

    def record(self) -> SearchRecord:
        """Return its search as the record begins it."""
        space = {key: dimension.plain() for key, dimension in self.space.items()}
        definition = self.plain() | {"space": space}
        definition.pop("variants", None)
        content = [self.sweep, self.variant, self.block, definition, self.first.key]
        text = json.dumps(content)  # unsorted: the order of the keys decides what is asked
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        return SearchRecord(name, self.variant, self.block, definition)


def judged_by(metric: str) -> str:
    """Return the validation metric of a sweep's metric: the loss for losses, else the accuracy.

    Example:
        >>> judged_by("test/accuracy"), judged_by("test/loss_last")
        ('val/accuracy', 'val/loss')
    """
    return "val/loss" if metric.partition("/")[2].startswith("loss") else "val/accuracy"


def check_cells(cells: Sequence[SearchCell]) -> None:
    """Check the space of every cell.

    Raises:
        ConfigError: all faults at once, with the cells that have them.
    """
    where: dict[str, list[str]] = {}
    for cell in cells:
        for fault in cell.check():
            where.setdefault(fault, []).append(f"{cell.variant} in {cell.block}")
    if where:
        raise ConfigError(
            [
                f if len(names) == len(cells) else f"{f} ({', '.join(map(format_name, names))})"
                for f, names in where.items()
            ]
        )
