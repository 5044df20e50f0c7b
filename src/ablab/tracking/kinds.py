"""The kinds of question that a sweep may ask, and the keys that its YAML needs for each.

The tests and the verdict of each kind are in `ablab.report.kinds`, which a sweep must not import.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Needs:
    """Stores the keys that a kind of question needs in its YAML.

    Attributes:
        baseline: the name of a variant.
        margin: half the width of the equivalence region; other kinds must not have one.
        grid: a grid of two axes.
    """

    baseline: bool = False
    margin: bool = False
    grid: bool = False


KINDS: Mapping[str, Needs] = {
    "versus_baseline": Needs(baseline=True),
    "best": Needs(),
    "equivalence": Needs(baseline=True, margin=True),
    "factors": Needs(grid=True),
}


def needs(kind: Any) -> Needs:
    """Return what a kind needs: nothing, if it is not one of `KINDS`."""
    return KINDS.get(kind, Needs()) if isinstance(kind, str) else Needs()


def foreign_kinds() -> tuple[str, ...]:
    """Return the kinds that suit MLflow runs of others, which have neither margin nor grid."""
    return tuple(kind for kind, needed in KINDS.items() if not needed.margin and not needed.grid)
