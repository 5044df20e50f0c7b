"""Cost beside quality: which variants no other one beats at both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.grid import Group
from ablab.report.formatting import quantity

SAME = 1.05
COSTS: Mapping[str, str] = {
    "parameters": "parameters",
    "flops": "FLOPs an image, forward",
    "epoch_seconds": "seconds an epoch, evaluation left out",
    "peak_bytes": "peak memory, bytes",
}
MEASURED = ("epoch_seconds", "peak_bytes")


@dataclass(frozen=True)
class Point:
    """A variant's place between cost and quality.

    Attributes:
        cost: the middle trial's.
        mean: the metric's mean over the seeds.
        is_front: whether no other variant is as good in both and better in one.
    """

    variant: str
    cost: float
    mean: float
    is_front: bool


def points(comparison: Comparison, cost: str) -> list[Point]:
    """Return the variants whose cost and mean are known, in the order of the report.

    Args:
        comparison: the block's.
        cost: a key of `COSTS`.
    """
    found = [(g.variant, middle(g, cost), g.mean) for g in comparison.groups.values()]
    known = [place for place in found if math.isfinite(place[1]) and math.isfinite(place[2])]
    fronts = pareto([(cost, comparison.direction * mean) for _, cost, mean in known])
    return [Point(*place, front) for place, front in zip(known, fronts, strict=True)]


def pareto(places: Sequence[tuple[float, float]]) -> list[bool]:
    """Return for each (cost, gain) whether no other one is as good in both and better in one.

    Example:
        >>> pareto([(1, 0.5), (2, 0.9), (3, 0.8), (1, 0.5)])
        [True, True, False, True]
    """
    order = sorted(range(len(places)), key=lambda i: (places[i][0], -places[i][1]))
    front, best, best_cost = [False] * len(places), -math.inf, math.nan
    for i in order:
        cost, gain = places[i]
        if gain > best or (gain == best and cost == best_cost):
            front[i], best, best_cost = True, gain, cost
    return front


def differing(comparison: Comparison, *, timed: bool) -> list[str]:
    """Return the costs in which variants differ by more than a twentieth.

    Args:
        comparison: the block's.
        timed: whether all ran on one kind of hardware, so that times and memory compare.
    """
    return [
        cost
        for cost in COSTS
        if (timed or cost not in MEASURED)
        and _spread([p.cost for p in points(comparison, cost)]) > SAME
    ]


def middle(group: Group, name: str) -> float:
    """Return a figure of the variant's middle trial, NaN where none is known."""
    values = [row.figures[name] for row in group.rows]
    return median([value for value in values if math.isfinite(value)] or [math.nan])


def amount(cost: str, x: float) -> str:
    """Return a cost in words.

    Example:
        >>> amount("flops", 833040), amount("epoch_seconds", 5.02), amount("peak_bytes", 812e6)
        ('833 k FLOPs an image', '5.02 s an epoch', '812 MB')
    """
    if cost == "peak_bytes":
        return f"{x / 1e6:.0f} MB"
    unit = {"flops": "FLOPs an image", "epoch_seconds": "s an epoch"}.get(cost, cost)
    return f"{quantity(x)} {unit}"


def _spread(costs: Sequence[float]) -> float:
    return max(costs) / min(costs) if costs and min(costs) > 0 else 1.0
