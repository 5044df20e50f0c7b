import math

import numpy as np
import pytest
from scipy import stats

from ablab.stats.spread import detectable_spread, spread_interval, spread_p


def test_the_interval_is_that_of_the_chi_squared_distribution() -> None:
    values = np.random.default_rng(0).normal(2, 0.3, 8)
    low, high = (math.sqrt(7 * values.var(ddof=1) / stats.chi2.ppf(q, 7)) for q in (0.975, 0.025))
    assert spread_interval(values) == pytest.approx((low, high))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_error_and_coverage(n: int) -> None:
    generator, replicates = np.random.default_rng(n), 4000
    samples = generator.normal(size=(replicates, n))
    p = np.array([spread_p(sample, 1.0) for sample in samples])
    error = 3 * math.sqrt(0.05 * 0.95 / replicates)
    assert (p[:, 0] <= 0.05).mean() == pytest.approx(0.05, abs=error)
    assert (p[:, 1] <= 0.05).mean() == pytest.approx(0.025, abs=error)
    intervals = np.array([spread_interval(sample) for sample in samples])
    assert ((intervals[:, 0] <= 1) & (intervals[:, 1] >= 1)).mean() == pytest.approx(
        0.95, abs=error
    )


@pytest.mark.parametrize("n", [5, 10])
def test_the_detectable_spread_is_found_four_times_in_five(n: int) -> None:
    sd = detectable_spread(n, 1.0, 2)
    samples = sd * np.random.default_rng(n).normal(size=(4000, n))
    found = np.mean([spread_p(sample, 1.0)[0] <= 0.025 for sample in samples])
    assert found == pytest.approx(0.8, abs=0.02)


def test_equal_and_few_values() -> None:
    assert spread_p(np.full(5, 0.3), 0.1) == (2.0**-4, 1.0)
    assert spread_interval(np.full(5, 0.3)) is None
    assert all(math.isnan(p) for p in spread_p(np.array([1.0, 2.0]), 0.1))
    assert math.isnan(detectable_spread(2, 1.0, 1))
