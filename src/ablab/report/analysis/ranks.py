"""Mean ranks over blocks, and whether they differ, from five datasets on.

Source: Friedman 1937; Nemenyi 1963 and Demšar 2006 for the critical difference.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from ablab.report.analysis.comparison import Comparison
from ablab.stats.paired import ALPHA, Array
from ablab.tracking.plan import Plan

LEAST_DATASETS = 5


@dataclass(frozen=True)
class Ranks:
    """How the variants rank, 1 being the best; ties share the mean of their ranks.

    Attributes:
        over: ``blocks``, or ``datasets`` from five of these on, architectures averaged first.
        count: how many of them there are.
        means: mean rank by variant, the best first; variants that lack a block are left out.
        friedman_p: of Friedman's test, or None below five datasets or three variants.
        critical_difference: of two mean ranks (Nemenyi, 5 %), or None likewise.
    """

    over: str
    count: int
    means: Mapping[str, float]
    friedman_p: float | None = None
    critical_difference: float | None = None


def ranks(comparison: Comparison, plan: Plan) -> Ranks | None:
    """Return how the variants rank over several blocks; None where fewer than two can.

    Args:
        comparison: over all blocks.
        plan: says which dataset each block has.
    """
    grid = comparison.grid
    sums, counts = np.nansum(grid.values, axis=2), (~np.isnan(grid.values)).sum(axis=2)
    whole = (counts > 0).all(axis=0)
    if whole.sum() < 2:
        return None
    means = (sums[:, whole] / counts[:, whole]) * -comparison.direction
    over, datasets = "blocks", _datasets(comparison, plan)
    if len(set(datasets)) >= LEAST_DATASETS:
        over = "datasets"
        means = np.array(
            [
                means[[d == dataset for d in datasets]].mean(axis=0)
                for dataset in dict.fromkeys(datasets)
            ]
        )
    ranked = rank(np.round(means, 12))
    mean_ranks = ranked.mean(axis=0)
    variants = [v for v, there in zip(grid.variants, whole, strict=True) if there]
    order = np.argsort(mean_ranks, kind="stable")
    tested = over == "datasets" and len(variants) > 2
    return Ranks(
        over,
        len(means),
        {variants[i]: float(mean_ranks[i]) for i in order},
        friedman_p(ranked) if tested else None,
        critical_difference(len(variants), len(means)) if tested else None,
    )


def _datasets(comparison: Comparison, plan: Plan) -> list[str]:
    """Return the dataset of each block; the block itself where the plan does not name one."""
    found: dict[str, str] = {}
    for (block, _, _), row in comparison.grid.rows.items():
        choices = plan.trials.get(row.key, {}).get("choices") or {}
        found.setdefault(block, str(choices.get("dataset") or block))
    return [found[block] for block in comparison.blocks]


def rank(values: Array) -> Array:
    """Return the ranks along the last axis, 1 for the smallest; ties share their mean.

    Args:
        values: (N, k), finite.
    """
    smaller = (values[..., None] > values[..., None, :]).sum(axis=-1)
    same = (values[..., None] == values[..., None, :]).sum(axis=-1)
    result: Array = smaller + (same + 1) / 2
    return result


def friedman_p(ranked: Array) -> float:
    """Return p of Friedman's test, corrected for ties; 1 where all ranks are tied.

    Args:
        ranked: (N, k), each row the ranks of k variants.
    """
    count, k = ranked.shape
    spread = ((ranked - (k + 1) / 2) ** 2).sum()
    if spread == 0:
        return 1.0
    between = count * ((ranked.mean(axis=0) - (k + 1) / 2) ** 2).sum()
    return float(special.chdtrc(k - 1, count * (k - 1) * between / spread))


@lru_cache
def critical_difference(k: int, count: int) -> float:
    """Return by how much two of k mean ranks over so many datasets must differ (Nemenyi, 5 %)."""
    return _range_quantile(k) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * count))


def _range_quantile(k: int) -> float:
    """Return what the range of k standard normal numbers exceeds 1 time in 20."""
    nodes, weights = special.roots_legendre(200)
    z = 9 * nodes
    density = 9 * weights * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        inside = k * float(density @ (special.ndtr(z) - special.ndtr(z - middle)) ** (k - 1))
        low, high = (middle, high) if inside < 1 - ALPHA else (low, middle)
    return high
