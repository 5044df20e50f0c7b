"""How hyper-parameters are searched: method, budget, seeds, space."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ablab.sweep.tune.space import Space

FIRST_SEED = 9000  # of tuning; a comparison's seeds lie below
METHODS = ("tpe", "random", "grid", "one_at_a_time")
PRUNINGS = ("none", "median", "halving")
KEYS = ("method", "trials", "epochs", "seeds", "at_once", "pruning", "space", "variants")


@dataclass(frozen=True)
class Search:
    """Stores how the values of hyper-parameters are searched.

    Attributes:
        method: one of `METHODS`.
        trials: settings that are tried for each variant in each block.
        epochs: of each trial; None leaves the trial's own.
        seeds: on which each setting is trained; distinct from those of any comparison.
        at_once: settings of one variant and block that are asked for before the first is known.
        pruning: one of `PRUNINGS`.
        space: what is searched for every variant.
        variants: what is searched for some variants besides or instead, by variant.
        only: whether no comparison follows.
    """

    method: str = "tpe"
    trials: int = 0
    epochs: int | None = None
    seeds: tuple[int, ...] = (FIRST_SEED,)
    at_once: int = 1
    pruning: str = "none"
    space: Space = field(default_factory=dict)
    variants: Mapping[str, Space] = field(default_factory=dict)
    only: bool = False

    def space_of(self, variant: str) -> Space:
        """Return what is searched for a variant."""
        return {**self.space, **self.variants.get(variant, {})}

    def plain(self) -> dict[str, Any]:
        """Return it as the plan stores it."""
        variants = {name: _plain(space) for name, space in self.variants.items()}
        return {
            "method": self.method,
            "trials": self.trials,
            "epochs": self.epochs,
            "seeds": list(self.seeds),
            "at_once": self.at_once,
            "pruning": self.pruning,
            "space": _plain(self.space),
            **({"variants": variants} if variants else {}),
            **({"only": True} if self.only else {}),
        }


def _plain(space: Space) -> dict[str, Any]:
    return {key: dimension.plain() for key, dimension in space.items()}
