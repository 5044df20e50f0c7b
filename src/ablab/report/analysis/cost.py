"""Cost beside quality, and the variants that no other variant beats in both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ablab.formatting import format_quantity
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.grid import Group

SAME = 1.05  # ratio of costs up to which they count as equal
COSTS: Mapping[str, str] = {
    "parameters": "parameters",
    "flops": "FLOPs per image, forward",
    "epoch_seconds": "seconds per epoch, without evaluation",
    "peak_bytes": "peak memory, bytes",
}
MEASURED = ("epoch_seconds", "peak_bytes")


@dataclass(frozen=True)
class Point:
    """A variant's cost and quality.

    Attributes:
        cost: median over the trials.
        mean: mean of the metric over the seeds.
        is_front: whether the variant is on the Pareto front: no other is as good in both and
            better in one.
    """

    variant: str
    cost: float
    mean: float
    is_front: bool


def points(comparison: Comparison, cost: str) -> list[Point]:
    """Return the variants with a known cost and mean, in the order of the report.

    Args:
        comparison: the comparison of one block.
        cost: a key of `COSTS`.
    """
    costs = [(g.variant, median_metric(g, cost), g.mean) for g in comparison.groups.values()]
    known = [point for point in costs if math.isfinite(point[1]) and math.isfinite(point[2])]
    fronts = pareto([(cost, comparison.direction * mean) for _, cost, mean in known])
    return [Point(*point, front) for point, front in zip(known, fronts, strict=True)]


def pareto(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Return for each (cost, gain) whether it is on the Pareto front.

    It is if no other point is as good in both and better in one.

    Example:
        >>> pareto([(1, 0.5), (2, 0.9), (3, 0.8), (1, 0.5)])
        [True, True, False, True]
    """
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    front, best, best_cost = [False] * len(points), -math.inf, math.nan
    for i in order:
        cost, gain = points[i]
        if gain > best or (gain == best and cost == best_cost):
            front[i], best, best_cost = True, gain, cost
    return front


def differing(comparison: Comparison, *, timed: bool) -> list[str]:
    """Return the costs in which variants differ by more than 5 %.

    Args:
        comparison: the comparison of one block.
        timed: whether all trials ran under the same conditions, so that times and memory compare.
    """
    return [
        cost
        for cost in COSTS
        if (timed or cost not in MEASURED)
        and _ratio([p.cost for p in points(comparison, cost)]) > SAME
    ]


def median_metric(group: Group, name: str) -> float:
    """Return the median of a metric over a variant's trials; NaN if none is known.

    Args:
        group: the trials.
        name: a name in `FIELDS`.
    """
    values = [row.metrics[name] for row in group.rows]
    return median([value for value in values if math.isfinite(value)] or [math.nan])


def format_cost(cost: str, x: float) -> str:
    """Return a cost with its unit.

    Example:
        >>> format_cost("flops", 833040), format_cost("epoch_seconds", 5.02)
        ('833 k FLOPs per image', '5.02 s per epoch')
        >>> format_cost("peak_bytes", 812e6)
        '812 MB'
    """
    if cost == "peak_bytes":
        return f"{x / 1e6:.0f} MB"
    unit = {"flops": "FLOPs per image", "epoch_seconds": "s per epoch"}.get(cost, cost)
    return f"{format_quantity(x)} {unit}"


def _ratio(costs: Sequence[float]) -> float:
    return max(costs) / min(costs) if costs and min(costs) > 0 else 1.0
