"""The kinds of question that a sweep may ask, and what its YAML must give for each.

What the answer to each kind says stands in `ablab.report.kinds`, which a sweep must not import.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Needs:
    """What a question of a kind needs in its YAML.

    Attributes:
        baseline: one of several variants must be named as such.
        margin: half the width of what counts as equal; without this none may be given.
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
    """Return what a kind needs; nothing, where it is none of `KINDS`."""
    return KINDS.get(kind, Needs()) if isinstance(kind, str) else Needs()


def of_runs() -> tuple[str, ...]:
    """Return the kinds that can be asked of others' runs, which have neither margin nor grid."""
    return tuple(k for k, needed in KINDS.items() if not needed.margin and not needed.grid)
