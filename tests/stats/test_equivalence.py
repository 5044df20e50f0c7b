import math

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from ablab.stats import paired
from ablab.stats.equivalence import equivalences, inside_p, outside_p
from ablab.stats.power import detectable_margin

REPLICATES = 10_000
MONTE_CARLO = 3 * math.sqrt(0.05 * 0.95 / REPLICATES)
SIZES = [(n, m) for n in (3, 5, 10) for m in (1, 5)]


@pytest.fixture
def generator():
    return np.random.default_rng(20_260_102)


def test_two_one_sided_tests_are_statsmodels(generator):
    for n in (3, 5, 20):
        a, b = generator.normal(0, 1, (2, n))
        for margin in (0.1, 1.0, 3.0):
            expected, _, _ = ttost_paired(a, b, -margin, margin)
            assert inside_p(a - b, margin) == pytest.approx(expected)


def test_the_result_of_one_contrast_agrees_with_its_intervals(generator):
    """90 % interval inside: equivalent; 95 % interval wholly outside: different."""
    counts = dict.fromkeys(("equivalent", "different", "undecided"), 0)
    for _ in range(300):
        differences = generator.normal(generator.choice([0, 1, 3]), 0.7, 6)
        (result,) = equivalences([differences], 1.0)
        low, high = result.interval90
        wide_low, wide_high = paired.t_interval(differences)
        expected = "undecided"
        if low > -1 and high < 1:
            expected = "equivalent"
        elif wide_low > 1 or wide_high < -1:
            expected = "different"
        assert result.result == expected
        counts[expected] += 1
    assert min(counts.values()) > 20


def test_step_intervals_never_contradict_holm(generator):
    for _ in range(200):
        family = list(generator.normal(generator.choice([0, 0.8, 2], (5, 1)), 0.5, (5, 6)))
        results = equivalences(family, 1.0)
        adjusted = paired.holm(np.array([inside_p(d, 1.0) for d in family]))
        assert [e.p_holm for e in results] == pytest.approx(adjusted)
        for e in results:
            low, high = e.step_interval
            assert (e.p_holm <= 0.05) == (low > -1 and high < 1)
            low, high = e.outside_interval
            assert (e.p_different_holm <= 0.05) == (low > 1 or high < -1)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_are_undecided(n):
    (result,) = equivalences([np.zeros(n)], 0.01)
    assert result.result == "undecided"
    assert result.interval90 is None
    assert math.isnan(result.p)
    assert math.isnan(result.detectable_margin)


def test_equal_differences_have_the_sign_flip_p():
    within, beyond = np.full(5, 0.002), np.full(6, 0.02)
    assert inside_p(within, 0.01) == 2.0**-5
    assert inside_p(within, 0.001) == 1.0
    assert outside_p(beyond, 0.01) == paired.sign_flip_p(beyond)
    assert outside_p(within, 0.01) == 1.0
    assert equivalences([within[:3]], 0.01)[0].result == "undecided"
    assert equivalences([within], 0.01)[0].result == "equivalent"


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_false_equivalence_stays_below_the_level(generator, n, m):
    """At the edge of the margin, where it is most likely, whatever the other variants are."""
    true = np.where(np.arange(m) < max(1, m - 2), 1.0, 0.0)
    p = paired.holm(inside_p(generator.normal(true[:, None], 0.2, (REPLICATES, m, n)), margin=1.0))
    false = (p <= 0.05) & (true == 1.0)
    assert false.any(axis=1).mean() <= 0.05 + MONTE_CARLO


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_false_difference_stays_below_the_level(generator, n, m):
    p = paired.holm(outside_p(generator.normal(1.0, 0.2, (REPLICATES, m, n)), margin=1.0))
    assert (p <= 0.05).any(axis=1).mean() <= 0.05 + MONTE_CARLO


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_the_detectable_margin_is_shown_with_80_percent_power(generator, n, m):
    shape = np.array([-1.0, 0.0, 1.0] if n == 3 else np.linspace(-1, 1, n))
    shape = shape / shape.std(ddof=1)
    margin = detectable_margin(shape, m)  # for a standard deviation of one
    p = inside_p(generator.normal(0, 1, (REPLICATES, n)), margin)
    assert (p <= 0.05 / m).mean() == pytest.approx(0.8, abs=3 * math.sqrt(0.16 / REPLICATES))
