"""Accuracies on log odds, where the ceiling is infinitely far."""

import numpy as np
from scipy import special

from ablab.report.analysis.grid import Grid
from ablab.stats.paired import Array


def log_odds(grid: Grid) -> Array:
    """Return the log odds of accuracies; none and all right count as half an image off."""
    totals = np.full(grid.values.shape, 10_000.0)
    for key, row in grid.rows.items():
        totals[grid.place(*key)] = row.total or 10_000.0
    least = 0.5 / totals
    odds: Array = special.logit(np.clip(grid.values, least, 1 - least))
    return odds
