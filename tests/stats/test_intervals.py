import math

import numpy as np
import pytest
from scipy import stats

from ablab.stats import intervals, paired


@pytest.fixture
def generator():
    return np.random.default_rng(20_260_103)


def test_images_interval_has_welchs_degrees_of_freedom(generator):
    """With one test set it is Welch's interval of the seeds versus images of mean 0."""
    for n, images in ((3, 360), (5, 50), (20, 12)):
        seeds, drawn = generator.normal(0.3, 1, n), generator.normal(0, 3, images)
        drawn -= drawn.mean()
        welch = stats.ttest_ind(seeds, drawn, equal_var=False).confidence_interval()
        component = (drawn.var(ddof=1) / images, images - 1)
        assert intervals.images_interval(seeds, [component]) == pytest.approx(tuple(welch))


def test_no_images_interval_without_images_or_spread(generator):
    component = [(1e-4, 99.0)]
    assert intervals.images_interval(generator.normal(size=5), []) is None
    assert intervals.images_interval(np.full(5, 0.1), component) is None
    assert intervals.images_interval(np.arange(2.0), component) is None


def coverage_of_new_images(generator, n, replicates=4000, images=400):
    """Return the coverage of both intervals over new seeds and new images; the true mean is 0."""
    covered = np.zeros(2)
    for _ in range(replicates):
        by_image = generator.normal(0, 0.6, images)  # difference of the variants on each image
        residual = generator.normal(0, 1.2, (n, images))
        own = by_image + residual + generator.normal(0, 0.01, (n, 1))
        differences, mean = own.mean(axis=1), own.mean(axis=0)
        component = (mean.var(ddof=1) / images, images - 1)
        both = (
            paired.t_interval(differences),
            intervals.images_interval(differences, [component]),
        )
        covered += [low <= 0 <= high for low, high in both]
    return covered / replicates


@pytest.mark.parametrize("n", [5, 20])
def test_images_interval_covers_new_images_where_the_t_interval_does_not(generator, n):
    seeds_only, with_images = coverage_of_new_images(generator, n)
    assert seeds_only < 0.92
    assert 0.935 <= with_images <= 0.985
    assert with_images > seeds_only + 0.03


def test_bca_is_scipys(generator):
    for n in (20, 60):
        differences = generator.gamma(1.0, 1.0, n)
        interval = intervals.bca_interval(differences)
        expected = stats.bootstrap(
            (differences,), np.mean, method="BCa", n_resamples=50_000, rng=generator
        ).confidence_interval
        tolerance = 0.04 * (expected.high - expected.low)  # the resamples differ
        assert interval == pytest.approx(tuple(expected), abs=tolerance)


def test_bca_needs_twenty_differences_that_are_not_all_equal(generator):
    assert intervals.bca_interval(generator.normal(size=19)) is None
    assert intervals.bca_interval(np.full(20, 0.1)) is None


def test_bca_is_the_same_in_every_call(generator):
    differences = generator.normal(size=25)
    assert intervals.bca_interval(differences) == intervals.bca_interval(differences)


def test_bca_covers_at_twenty(generator):
    samples = generator.gamma(2.0, 1.0, (1500, 20))
    bounds = [intervals.bca_interval(sample) for sample in samples]
    covered = np.mean([low <= 2.0 <= high for low, high in bounds])
    assert 0.89 <= covered <= 0.96  # below 95 % at this n, so the t interval stays primary


@pytest.mark.parametrize(("won", "n"), [(0, 10), (3, 10), (10, 10), (17, 25)])
def test_won_interval_is_scipys_exact_one(won, n):
    expected = stats.binomtest(won, n).proportion_ci(method="exact")
    assert intervals.won_interval(won, n) == pytest.approx((expected.low, expected.high))


def test_a_tie_widens_the_won_interval_on_both_sides():
    low, high = intervals.won_interval(6.5, 10)
    assert low == intervals.won_interval(6, 10)[0]
    assert high == intervals.won_interval(7, 10)[1]


def test_won_interval_needs_ten_seeds():
    assert intervals.won_interval(9, 9) is None


def test_won_interval_covers(generator):
    for probability in (0.5, 0.9):
        won = generator.binomial(10, probability, 3000)
        bounds = {k: intervals.won_interval(k, 10) for k in range(11)}
        assert np.mean(
            [bounds[k][0] <= probability <= bounds[k][1] for k in won]
        ) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 3000)
