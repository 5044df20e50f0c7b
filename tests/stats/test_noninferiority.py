import numpy as np
import pytest
from scipy import stats

from ablab.stats.noninferiority import noninferior_p
from ablab.stats.paired import paired_p, t_interval


def test_p_is_twice_that_of_scipy() -> None:
    generator = np.random.default_rng(1)
    for n in (3, 5, 20):
        gains = generator.normal(0.1, 1, n)
        for margin in (0.0, 0.5, 2.0):
            expected = stats.ttest_1samp(gains, -margin, alternative="greater").pvalue
            assert noninferior_p(gains, margin) == pytest.approx(min(1, 2 * expected))


def test_p_agrees_with_the_interval_and_without_a_margin_with_the_paired_test() -> None:
    generator = np.random.default_rng(2)
    for _ in range(200):
        gains = generator.normal(generator.choice([-1, 0, 1]), 0.7, 6)
        low, _ = t_interval(gains) or (np.nan, np.nan)
        assert (noninferior_p(gains, 0.5) <= 0.05) == (low > -0.5)
        if gains.mean() > 0:
            assert noninferior_p(gains, 0.0) == pytest.approx(paired_p(gains))


def test_false_alarms_at_the_margin_are_at_most_two_and_a_half_per_cent() -> None:
    gains = np.random.default_rng(3).normal(-1, 2, (20_000, 5))
    error = (noninferior_p(gains, 1.0) <= 0.05).mean()
    assert error == pytest.approx(0.025, abs=3 * np.sqrt(0.025 * 0.975 / 20_000))


def test_equal_gains_have_the_p_of_the_sign_flip_test() -> None:
    assert noninferior_p(np.full(5, 0.0), 0.1) == 2.0**-4
    assert noninferior_p(np.full(5, -0.2), 0.1) == 1.0
    assert np.isnan(noninferior_p(np.zeros(2), 0.1))
