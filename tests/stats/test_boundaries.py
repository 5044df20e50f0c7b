import math

import numpy as np
import pytest
from scipy import special, stats

from ablab.stats import paired
from ablab.stats.boundaries import beta_nodes, boundaries
from ablab.stats.sequential import SPENDING, error_spent

REPLICATES = 200_000


def bounds_of(sizes, spending, *levels):
    return boundaries(sizes, error_spent(np.array(levels), sizes, spending))


def test_of_many_seeds_they_are_those_of_the_lan_demets_program():
    bounds = bounds_of((500, 1000, 1500, 2000), "obrien_fleming", 0.05)[:, 0]
    assert bounds == pytest.approx((4.3326, 2.9631, 2.3590, 2.0141), abs=1e-3)


@pytest.mark.parametrize("spending", SPENDING)
def test_of_many_seeds_the_error_spent_is_that_of_the_multivariate_normal(spending):
    sizes = (600, 1000, 1600)
    root = np.sqrt(sizes)
    correlation = np.minimum.outer(root, root) / np.maximum.outer(root, root)
    for level in (0.05, 0.01):
        bounds = bounds_of(sizes, spending, level)[:, 0]
        inside = stats.multivariate_normal(cov=correlation).cdf(bounds, lower_limit=-bounds)
        assert 1 - inside == pytest.approx(level, rel=5e-3)


@pytest.mark.parametrize("sizes", [(3, 4), (3, 5), (5, 10, 15, 20), (4, 6, 8, 10, 12)])
@pytest.mark.parametrize("spending", SPENDING)
def test_each_look_spends_its_error_for_normal_differences(sizes, spending):
    """Steps of one, two and more seeds: each has its own distribution of the new cosine."""
    levels = np.array([0.05, 0.01])
    spent = error_spent(levels, sizes, spending)
    critical = 2 * stats.norm.sf(boundaries(sizes, spent))
    samples = np.random.default_rng(len(sizes)).normal(size=(REPLICATES, sizes[-1]))
    rejected = np.zeros((2, REPLICATES), dtype=bool)
    for look, n in enumerate(sizes):
        rejected |= paired.paired_p(samples[:, :n]) <= critical[look][:, None]
        error = np.sqrt(spent[look] / REPLICATES)
        assert (np.abs(rejected.mean(axis=1) - spent[look]) <= 4 * error + 0.002 * levels).all()


def test_a_level_that_is_too_small_to_spend_gives_a_bound_that_nothing_reaches():
    bounds = bounds_of((3, 100), "obrien_fleming", 1e-12, 0.05)
    assert np.isfinite(bounds).all()
    assert bounds[0, 0] > 30
    assert 2 * stats.norm.sf(bounds[1, 1]) == pytest.approx(0.05, rel=1e-3)


def test_the_first_look_is_that_of_its_own_test():
    (bound,) = bounds_of((5, 10), "pocock", 0.05)[0]
    spent = 0.05 * math.log(1 + (math.e - 1) / 2)
    assert 2 * stats.norm.sf(bound) == pytest.approx(spent)


@pytest.mark.parametrize(("n", "d"), [(3, 1), (3, 2), (5, 5), (15, 5), (100, 1)])
def test_the_quadrature_is_scipys(n, d):
    nodes, weights = beta_nodes(n / 2, d / 2)
    expected, expected_weights = special.roots_jacobi(nodes.size, d / 2 - 1, n / 2 - 1)
    np.testing.assert_allclose(2 * nodes - 1, expected, atol=1e-10)
    np.testing.assert_allclose(weights, expected_weights / expected_weights.sum(), atol=1e-12)


def test_any_number_of_seeds_has_boundaries():
    bounds = bounds_of((5, 20_000, 40_000), "pocock", 0.05)
    assert (bounds > 1.9).all()
    assert (bounds < 5).all()
