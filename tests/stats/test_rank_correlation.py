import math

import numpy as np
import pytest
from scipy import stats

from ablab.stats.ranks import mean_ranks, rank_correlation


@pytest.mark.parametrize("n", [3, 10, 50])
@pytest.mark.parametrize("levels", [3, 1000])
def test_ranks_and_their_correlation_agree_with_scipy(n: int, levels: int) -> None:
    generator = np.random.default_rng(n + levels)
    a, b = generator.integers(0, levels, (2, n)).astype(float)
    assert mean_ranks(a) == pytest.approx(stats.rankdata(a))
    if np.ptp(a) and np.ptp(b):
        assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0, 1.0, 1.0], [1.0, math.nan, 2.0]])
def test_no_correlation_of_two_or_equal_or_missing_values(values: list[float]) -> None:
    others = np.arange(len(values), dtype=float)
    assert math.isnan(rank_correlation(np.array(values), others))
    assert math.isnan(rank_correlation(others, np.array(values)))
