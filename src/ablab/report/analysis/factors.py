"""Two factors: main effects and interactions, one contrast a seed, averaged over blocks.

In a grid of I × J levels each level but the baseline's has a main effect, its difference to the
baseline's level averaged over all levels of the other factor; and each pair of such levels has an
interaction, the difference of the one's effects at the other's two levels. That is IJ - 1
contrasts of one degree of freedom, three in a 2 × 2 grid, tested on seeds and corrected together
by Holm. Unlike a table of variances it needs no equal spread over cells, and says which levels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast, Group
from ablab.report.analysis.log_odds import log_odds
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.pairing import weighted
from ablab.text import is_accuracy
from ablab.tracking.spec import Spec

Cells = dict[tuple[str, str], str]


@dataclass(frozen=True, eq=False)
class Factors:
    """A grid of two axes.

    Attributes:
        names: the two axes.
        levels: the levels of each, the baseline's first.
        cells: by level of the first and of the second axis; values are seed means over blocks.
        effects: main effects of the first axis, of the second, then interactions; one of each in
            a 2 × 2 grid. Corrected together.
        places: for each effect, by its name, which level of each axis it is about, None for the
            axis that it is averaged over.
        signs: for each interaction, by its name, whether it keeps its sign on log odds; empty
            where the metric is no accuracy.
    """

    names: tuple[str, str]
    levels: tuple[tuple[str, ...], tuple[str, ...]]
    cells: Mapping[tuple[str, str], Group]
    effects: tuple[Contrast, ...]
    places: Mapping[str, tuple[str | None, str | None]]
    signs: Mapping[str, bool]

    @property
    def keeps_sign(self) -> bool | None:
        """Whether every interaction keeps its sign on log odds; None where that is not known."""
        return all(self.signs.values()) if self.signs else None


def factors(comparison: Comparison, spec: Spec) -> Factors | None:
    """Return the effects of a grid of two axes; None where the variants are no such grid.

    An effect whose cells are not all planned in one block has no seeds.

    Args:
        comparison: of the one block, or over several.
        spec: the sweep's question as a plan holds it.
    """
    settings = {v: dict(spec.variants[v]) for v in comparison.groups}
    axes = list(next(iter(settings.values()), {}))
    if len(axes) != 2 or any(list(own) != axes for own in settings.values()):
        return None
    cells = {(str(s[axes[0]]), str(s[axes[1]])): v for v, s in settings.items()}
    first = settings.get(str(comparison.baseline)) or next(iter(settings.values()))
    levels = tuple(
        tuple(dict.fromkeys([str(first[axis]), *(str(s[axis]) for s in settings.values())]))
        for axis in axes
    )
    names = (axes[0], axes[1])
    both = (levels[0], levels[1])
    effects, places = _effects(comparison, names, both, cells)
    interactions = [c for c in effects if None not in places[c.variant]]
    return Factors(
        names=names,
        levels=both,
        cells={place: comparison.groups[variant] for place, variant in cells.items()},
        effects=corrected(effects),
        places=places,
        signs=_signs(comparison, both, cells, interactions, places),
    )


def _effects(
    comparison: Comparison,
    names: tuple[str, str],
    levels: tuple[tuple[str, ...], tuple[str, ...]],
    cells: Cells,
) -> tuple[list[Contrast], dict[str, tuple[str | None, str | None]]]:
    (a, b), ((a0, *others_a), (b0, *others_b)) = names, levels
    wanted: list[tuple[str, str, tuple[str | None, str | None]]] = []
    wanted += [(f"{a}: {level}", f"{a}: {a0}", (level, None)) for level in others_a]
    wanted += [(f"{b}: {level}", f"{b}: {b0}", (None, level)) for level in others_b]
    pairs = list(product(others_a, others_b))
    for x, y in pairs:
        label = f"{a} × {b}" if len(pairs) == 1 else f"{a}: {x} × {b}: {y}"
        wanted.append((label, "no interaction", (x, y)))
    return (
        [_effect(comparison, levels, cells, place, (c, r)) for c, r, place in wanted],
        {contrast: place for contrast, _, place in wanted},
    )


def _effect(
    comparison: Comparison,
    levels: tuple[tuple[str, ...], tuple[str, ...]],
    cells: Cells,
    place: tuple[str | None, str | None],
    names: tuple[str, str],
) -> Contrast:
    weights = _weights(levels, place)
    if not set(weights) <= set(cells):
        none = np.zeros(0)
        return Contrast(*names, none, none, len(comparison.grid.seeds), comparison.direction)
    own = {cells[cell]: weight for cell, weight in weights.items()}
    return weighted(comparison.grid, comparison.images, own, names, comparison.direction)


def _weights(
    levels: tuple[tuple[str, ...], tuple[str, ...]], place: tuple[str | None, str | None]
) -> dict[tuple[str, str], float]:
    """Return the weight of each cell: the product of those of its two levels."""
    by_axis = []
    for own, level in zip(levels, place, strict=True):
        if level is None:
            by_axis.append(dict.fromkeys(own, 1 / len(own)))
        else:
            by_axis.append({level: 1.0, own[0]: -1.0})
    first, second = by_axis
    return {(x, y): first[x] * second[y] for x, y in product(first, second)}


def _signs(
    comparison: Comparison,
    levels: tuple[tuple[str, ...], tuple[str, ...]],
    cells: Cells,
    interactions: list[Contrast],
    places: Mapping[str, tuple[str | None, str | None]],
) -> dict[str, bool]:
    """Tell of each interaction whether its mean has the same sign on log odds.

    Near the ceiling an additive interaction can be an artefact of the scale.
    """
    if not is_accuracy(comparison.metric):
        return {}
    grid, found = comparison.grid, {}
    odds = log_odds(grid)
    for contrast in interactions:
        if not contrast.n:
            continue
        weights = _weights(levels, places[contrast.variant])
        seeds = [grid.seeds.index(seed) for seed in contrast.seeds]
        blocks = [grid.blocks.index(block) for block in contrast.blocks]
        means = {
            cell: odds[np.ix_(blocks, [grid.variants.index(cells[cell])], seeds)].mean()
            for cell in weights
        }
        total = sum(weight * float(means[cell]) for cell, weight in weights.items())
        found[contrast.variant] = bool(np.sign(total) == np.sign(contrast.mean))
    return found
