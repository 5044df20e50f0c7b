"""The two sides of an expectation: variants that become one number per seed and block."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.grid import Grid, grid_of
from ablab.report.analysis.pairing import weighted
from ablab.report.analysis.table import comparable
from ablab.report.analysis.trials import Row, with_metric
from ablab.stats.paired import Array
from ablab.stats.ranks import rank_correlation
from ablab.tracking import claim as claims
from ablab.tracking.baselines import metric_of
from ablab.tracking.claim import Expectation
from ablab.tracking.metrics import find_metric
from ablab.tracking.sides import Side, baseline_of, chosen, is_number, varied_number
from ablab.tracking.spec import Settings


@dataclass(frozen=True)
class Trials:
    """The trials that an expectation is about.

    Attributes:
        rows: of its block, or of all blocks, with any value.
        variants: settings of each variant of the sweep.
    """

    rows: Sequence[Row]
    variants: Mapping[str, Settings]

    def grid(self, metric: str) -> Grid:
        """Return the trials as an array of the values of a metric."""
        rows = comparable([with_metric(row, metric) for row in self.rows], metric)
        return grid_of(rows, list(self.variants))


def difference(expectation: Expectation, trials: Trials) -> Contrast:
    """Return one side minus the other, one value per seed, averaged over blocks.

    Args:
        expectation: of a direction or of equality.
        trials: of the sweep.
    """
    grid = trials.grid(expectation.metric)
    direction = -1 if expectation.expect == claims.LOWER else 1
    if (weights := _weights(expectation, trials.variants)) is not None:
        names = ("of", "than")
        return weighted(grid, None, weights, names, direction)
    of = one_side(expectation, expectation.of, expectation.reduce[0], grid, trials)
    others = [(expectation.than, -1.0)]
    if expectation.minus:
        others += [(expectation.minus[0], -1.0), (expectation.minus[1], 1.0)]
    total = of
    for side, sign in others:
        if is_number(side):
            assert isinstance(side, int | float)
            total = total + sign * side
        elif name := baseline_of(side):
            fitted = trials.grid(metric_of(name, expectation.metric))
            total = total + sign * one_side(
                expectation, expectation.of, claims.MEAN, fitted, trials
            )
        else:
            own = one_side(expectation, side, expectation.reduce[1], grid, trials)
            total = total + sign * own
    return _contrast(expectation, total, grid, trials, direction)


def one_side(
    expectation: Expectation, side: Side, reduction: str, grid: Grid, trials: Trials
) -> Array:
    """Return the number of a side in each block and seed, (blocks, seeds), NaN where missing."""
    names = chosen(side, trials.variants)
    columns = [grid.variants.index(name) for name in names if name in grid.variants]
    if len(columns) < len(names) or not names:
        return np.full((len(grid.blocks), len(grid.seeds)), math.nan)
    values = grid.values[:, columns]
    metric = find_metric(expectation.metric)
    sign = -1.0 if metric is not None and metric.goal == "min" else 1.0
    if reduction == claims.WIDTH:
        numbers = np.array(varied_number(names, trials.variants))
        return _widths(sign * values, numbers, expectation.within)
    if reduction == claims.BEST:
        judged = trials.grid(claims.SELECTED_BY).values[:, columns]
        best = np.where(np.isnan(judged), -math.inf, judged).argmax(axis=1)
        return np.take_along_axis(values, best[:, None], axis=1)[:, 0]
    if reduction == claims.CORRELATION:
        other = trials.grid(expectation.against).values[:, columns]
        pairs = np.stack([values, other], axis=-1)
        return np.array(
            [[rank_correlation(*cell.T) for cell in np.moveaxis(block, 1, 0)] for block in pairs]
        )
    if reduction == claims.RANGE:
        ranges: Array = values.max(axis=1) - values.min(axis=1)
        return ranges
    means: Array = values.mean(axis=1)
    return means


def _widths(gains: Array, numbers: Array, within: float) -> Array:
    """Return the width in decades of the numbers whose gain is close to the best.

    Each number stands for its share of the range: a grid of one number per decade gives whole
    decades. A trial without a value is not good.

    Args:
        gains: (blocks, variants, seeds), higher is better.
        numbers: (variants,), > 0.
        within: how close to the best is good.
    """
    step = float(np.ptp(np.log10(numbers))) / max(1, len(numbers) - 1)
    known = np.where(np.isnan(gains), -math.inf, gains)
    best = known.max(axis=1, keepdims=True)
    good = (known >= best - within) & np.isfinite(known)
    widths: Array = step * good.sum(axis=1)
    return np.where(np.isfinite(best[:, 0]), widths, math.nan)


def _weights(e: Expectation, variants: Mapping[str, Settings]) -> dict[str, float] | None:
    """Return the weight of each variant, None if the sides are more than means of variants."""
    if is_number(e.than) or baseline_of(e.than) or set(e.reduce) != {claims.MEAN}:
        return None
    weights: Counter[str] = Counter()
    for side, sign in ((e.of, 1), (e.than, -1), *zip(e.minus or (), (-1, 1), strict=False)):
        names = chosen(side, variants)
        for name in names:
            weights[name] += sign / len(names)  # type: ignore[assignment] # Counter of floats
    used = {name: float(weight) for name, weight in weights.items() if weight}
    if not used:
        return None
    units = [weight / min(map(abs, used.values())) for weight in used.values()]
    return used if all(abs(unit - round(unit)) < 1e-9 for unit in units) else None


def _contrast(
    e: Expectation, values: Array, grid: Grid, trials: Trials, direction: int
) -> Contrast:
    names = [name for side in e.sides for name in chosen(side, trials.variants)]
    columns = [grid.variants.index(name) for name in dict.fromkeys(names) if name in grid.variants]
    blocks = grid.blocks_of([grid.variants[column] for column in columns])
    means = values[blocks].mean(axis=0) if blocks.size else np.full(len(grid.seeds), math.nan)
    complete = ~np.isnan(means)
    diverged = grid.diverged[:, columns].any(axis=(0, 1))
    planned = grid.planned[:, columns].any(axis=(0, 1))
    return Contrast(
        "of",
        "than",
        differences=means[complete],
        converged=means[complete & ~diverged],
        left_out=int(planned.sum() - complete.sum()),
        direction=direction,
        seeds=tuple(grid.seeds[i] for i in np.flatnonzero(complete)),
        blocks=tuple(grid.blocks[i] for i in blocks),
        compared=tuple(dict.fromkeys(names)),
    )


def seed_values(expectation: Expectation, trials: Trials) -> Array:
    """Return the number of the side ``of`` for each seed, averaged over blocks, without NaN."""
    grid = trials.grid(expectation.metric)
    side = one_side(expectation, expectation.of, expectation.reduce[0], grid, trials)
    means: Array = side.mean(axis=0)
    return means[~np.isnan(means)]
