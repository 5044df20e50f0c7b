"""Two factors: main effects and interactions, one contrast a seed, averaged over blocks.

In a grid of I × J levels, each level other than the baseline's has a main effect: its difference
to the baseline's level, averaged over all levels of the other factor. Each pair of such levels has
an interaction: the difference between the effects of one at the two levels of the other. That
makes IJ - 1 contrasts of one degree of freedom, three in a 2 × 2 grid, tested over seeds and
corrected together by Holm. Unlike an analysis of variance, this does not assume equal variances
over the cells, and it says which levels differ.
"""

from collections.abc import Mapping
from itertools import product

import numpy as np
from scipy import special

from ablab.report.analysis.comparison import Comparison, Factors
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.grid import Grid
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.pairing import weighted
from ablab.stats.paired import Array
from ablab.text import is_accuracy
from ablab.tracking.spec import Spec

Levels = tuple[tuple[str, ...], tuple[str, ...]]
Cells = dict[tuple[str, str], str]
"""The variant of each pair of levels."""
EffectLevels = tuple[str | None, str | None]
"""The level of each axis that an effect is about; None for the axis it is averaged over."""


def factors(comparison: Comparison, spec: Spec) -> Factors | None:
    """Compute the effects of a grid of two axes; None if the variants are not such a grid.

    An effect whose cells are not all planned in one block has no seeds.

    Args:
        comparison: of one block, or averaged over several.
        spec: the sweep's question as the plan stores it.
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
    effects, effect_levels = _effects(comparison, names, both, cells)
    interactions = [c for c in effects if None not in effect_levels[c.variant]]
    return Factors(
        names=names,
        levels=both,
        cells={pair: comparison.groups[variant] for pair, variant in cells.items()},
        effects=corrected(effects),
        effect_levels=effect_levels,
        signs=_signs(comparison, both, cells, interactions, effect_levels),
    )


def _effects(
    comparison: Comparison,
    names: tuple[str, str],
    levels: Levels,
    cells: Cells,
) -> tuple[list[Contrast], dict[str, EffectLevels]]:
    """Return all effects, and by name the levels that each is about."""
    (a, b), ((a0, *others_a), (b0, *others_b)) = names, levels
    wanted: list[tuple[str, str, EffectLevels]] = []
    wanted += [(f"{a}: {level}", f"{a}: {a0}", (level, None)) for level in others_a]
    wanted += [(f"{b}: {level}", f"{b}: {b0}", (None, level)) for level in others_b]
    pairs = list(product(others_a, others_b))
    for x, y in pairs:
        label = f"{a} × {b}" if len(pairs) == 1 else f"{a}: {x} × {b}: {y}"
        wanted.append((label, "no interaction", (x, y)))
    return (
        [_effect(comparison, levels, cells, own, (c, r)) for c, r, own in wanted],
        {name: own for name, _, own in wanted},
    )


def _effect(
    comparison: Comparison,
    levels: Levels,
    cells: Cells,
    effect_levels: EffectLevels,
    names: tuple[str, str],
) -> Contrast:
    weights = _weights(levels, effect_levels)
    if not set(weights) <= set(cells):
        none = np.zeros(0)
        return Contrast(*names, none, none, len(comparison.grid.seeds), comparison.direction)
    own = {cells[cell]: weight for cell, weight in weights.items()}
    return weighted(comparison.grid, comparison.images, own, names, comparison.direction)


def _weights(levels: Levels, effect_levels: EffectLevels) -> dict[tuple[str, str], float]:
    """Return the weight of each cell: the product of the weights of its two levels."""
    by_axis = []
    for own, level in zip(levels, effect_levels, strict=True):
        if level is None:
            by_axis.append(dict.fromkeys(own, 1 / len(own)))
        else:
            by_axis.append({level: 1.0, own[0]: -1.0})
    first, second = by_axis
    return {(x, y): first[x] * second[y] for x, y in product(first, second)}


def _signs(
    comparison: Comparison,
    levels: Levels,
    cells: Cells,
    interactions: list[Contrast],
    effect_levels: Mapping[str, EffectLevels],
) -> dict[str, bool]:
    """Return for each interaction whether its mean has the same sign on log odds.

    Near the ceiling an additive interaction can be an artifact of the scale.
    """
    if not is_accuracy(comparison.metric):
        return {}
    grid, signs = comparison.grid, {}
    odds = _log_odds(grid)
    for contrast in interactions:
        if not contrast.n:
            continue
        weights = _weights(levels, effect_levels[contrast.variant])
        seeds = [grid.seeds.index(seed) for seed in contrast.seeds]
        blocks = [grid.blocks.index(block) for block in contrast.blocks]
        means = {
            cell: odds[np.ix_(blocks, [grid.variants.index(cells[cell])], seeds)].mean()
            for cell in weights
        }
        total = sum(weight * float(means[cell]) for cell, weight in weights.items())
        signs[contrast.variant] = bool(np.sign(total) == np.sign(contrast.mean))
    return signs


def _log_odds(grid: Grid) -> Array:
    """Return the log odds of accuracies; 0 % and 100 % are moved inwards by half an image."""
    totals = np.full(grid.values.shape, 10_000.0)
    for key, row in grid.rows.items():
        totals[grid.index(*key)] = row.total or 10_000.0
    least = 0.5 / totals
    odds: Array = special.logit(np.clip(grid.values, least, 1 - least))
    return odds
