"""Mean ranks over blocks, with tests from five datasets on.

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

MIN_DATASETS = 5


@dataclass(frozen=True)
class Ranks:
    """Ranks of the variants, 1 for the best; ties share the mean of their ranks.

    Attributes:
        over: ``blocks``, or ``datasets`` if there are five or more; architectures are averaged
            first.
        count: number of blocks or datasets.
        means: mean rank by variant, the best first; variants that lack a block are left out.
        friedman_p: p of Friedman's test; None below five datasets or three variants.
        critical_difference: smallest significant difference of two mean ranks (Nemenyi, 5 %);
            None likewise.
    """

    over: str
    count: int
    means: Mapping[str, float]
    friedman_p: float | None = None
    critical_difference: float | None = None


def ranks(comparison: Comparison, plan: Plan) -> Ranks | None:
    """Rank the variants over several blocks; None if fewer than two are in every block.

    Args:
        comparison: the comparison over all blocks.
        plan: names the dataset of each block.
    """
    grid = comparison.grid
    sums, counts = np.nansum(grid.values, axis=2), (~np.isnan(grid.values)).sum(axis=2)
    complete = (counts > 0).all(axis=0)
    if complete.sum() < 2:
        return None
    means = (sums[:, complete] / counts[:, complete]) * -comparison.direction
    over, datasets = "blocks", _datasets(comparison, plan)
    if len(set(datasets)) >= MIN_DATASETS:
        over = "datasets"
        means = np.array(
            [
                means[[d == dataset for d in datasets]].mean(axis=0)
                for dataset in dict.fromkeys(datasets)
            ]
        )
    ranked = rank(np.round(means, 12))
    mean_ranks = ranked.mean(axis=0)
    variants = [v for v, is_complete in zip(grid.variants, complete, strict=True) if is_complete]
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
    """Return the dataset of each block; the block itself if the plan does not name one."""
    datasets: dict[str, str] = {}
    for (block, _, _), row in comparison.grid.rows.items():
        choices = plan.trials.get(row.key, {}).get("choices") or {}
        datasets.setdefault(block, str(choices.get("dataset") or block))
    return [datasets[block] for block in comparison.blocks]


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
    """Return p of Friedman's test, corrected for ties; 1 if all ranks are tied.

    Args:
        ranked: (N, k), the ranks of k variants in each row.
    """
    count, k = ranked.shape
    total = ((ranked - (k + 1) / 2) ** 2).sum()
    if total == 0:
        return 1.0
    between = count * ((ranked.mean(axis=0) - (k + 1) / 2) ** 2).sum()
    return float(special.chdtrc(k - 1, count * (k - 1) * between / total))


@lru_cache
def critical_difference(k: int, count: int) -> float:
    """Return Nemenyi's critical difference of two mean ranks at level 5 %.

    Args:
        k: number of variants.
        count: number of datasets.
    """
    return _range_quantile(k) / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * count))


def _range_quantile(k: int) -> float:
    """Return the 95 % quantile of the range of k standard normal numbers."""
    nodes, weights = special.roots_legendre(200)
    z = 9 * nodes
    density = 9 * weights * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    low, high = 0.0, 20.0
    for _ in range(60):
        center = (low + high) / 2
        inside = k * float(density @ (special.ndtr(z) - special.ndtr(z - center)) ** (k - 1))
        low, high = (center, high) if inside < 1 - ALPHA else (low, center)
    return high
