import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from ablab.stats import paired
from ablab.stats.power import minimum_detectable_difference

REPLICATES = 10_000
MONTE_CARLO = 3 * math.sqrt(0.05 * 0.95 / REPLICATES)
SIZES = [(n, m) for n in (3, 5, 10) for m in (1, 5)]


@pytest.fixture
def generator():
    return np.random.default_rng(20_260_101)


def test_paired_p_and_interval_are_scipys(generator):
    for n in (3, 4, 10, 30):
        a, b = generator.normal(size=(2, n))
        expected = stats.ttest_rel(a, b)
        assert paired.paired_p(a - b) == pytest.approx(expected.pvalue, rel=1e-9)
        for level in (0.05, 0.01):
            bounds = expected.confidence_interval(1 - level)
            assert paired.t_interval(a - b, level) == pytest.approx(tuple(bounds), rel=1e-9)


def test_holm_is_statsmodels(generator):
    for m in (1, 2, 5, 15):
        p = generator.random((4, m)) ** 3
        expected = [multipletests(row, method="holm")[1] for row in p]
        np.testing.assert_allclose(paired.holm(p), expected)


def test_holm_keeps_the_order_and_counts_nan_as_one():
    adjusted = paired.holm(np.array([0.04, math.nan, 0.001]))
    np.testing.assert_allclose(adjusted, [0.08, 1.0, 0.003])


@pytest.mark.parametrize("n", [1, 2, 3, 6, 9])
def test_sign_flip_p_is_brute_force(generator, n):
    for differences in (generator.normal(size=n), generator.integers(-2, 3, n) / 360):
        signs = np.array(list(itertools.product((-1, 1), repeat=n)))
        sums = np.abs(signs @ differences)
        expected = np.mean(sums >= abs(differences.sum()) - 1e-12)
        assert paired.sign_flip_p(differences) == expected


def test_sign_flip_p_is_scipys(generator):
    a, b = generator.normal(0.3, 1, size=(2, 12))
    expected = stats.permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=2**12
    )
    assert paired.sign_flip_p(a - b) == pytest.approx(expected.pvalue)
    assert paired.sign_flip_p(np.full(40, 0.1)) == 2 * 2.0**-40
    assert math.isnan(paired.sign_flip_p(np.ones(41)))


def test_equal_differences_have_the_sign_flip_p_and_no_interval():
    for value, n in ((0.0, 5), (3 / 360, 3), (-7 / 10_000, 6)):
        differences = np.full(n, value)
        assert paired.paired_p(differences) == paired.sign_flip_p(differences)
        assert paired.t_interval(differences) is None
        assert math.isnan(paired.hedges(differences))
        assert math.isnan(minimum_detectable_difference(differences, 5))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_are_not_tested(n):
    differences = np.arange(1.0, n + 1)
    assert math.isnan(paired.paired_p(differences))
    assert paired.t_interval(differences) is None
    assert math.isnan(minimum_detectable_difference(differences, 1))


def test_holm_step_interval_never_contradicts_holm_p(generator):
    counts = {True: 0, False: 0}
    for _ in range(400):
        differences = generator.normal(generator.choice([0, 0.8, 2], (5, 1)), 1, (5, 6))
        p = paired.paired_p(differences)
        adjusted, levels = paired.holm(p), paired.holm_levels(p)
        for row, q, level in zip(differences, adjusted, levels, strict=True):
            low, high = paired.t_interval(row, level)
            assert (q <= 0.05) == (low > 0 or high < 0)
            counts[bool(q <= 0.05)] += 1
    assert min(counts.values()) > 100


def test_hedges_correction_removes_the_bias(generator):
    samples = generator.normal(0.8, 1, (10_000, 5))
    corrected = [paired.hedges(row) for row in samples]
    error = 3 * np.std(corrected) / math.sqrt(len(corrected))
    assert np.mean(corrected) == pytest.approx(0.8, abs=error)


def test_hedges_is_nan_below_five_differences():
    assert math.isnan(paired.hedges(np.arange(4.0)))


def test_seeds_won_counts_a_tie_as_half():
    assert paired.seeds_won(np.array([0.1, 0.0, -0.2, 0.0, 0.3])) == 3.0


def test_zero_events_bound_solves_its_definition():
    for n in (1, 5, 30):
        assert stats.binom.cdf(0, n, paired.zero_events_bound(n)) == pytest.approx(0.05)
    assert round(paired.zero_events_bound(5), 2) == 0.45  # STATISTICS: 0 of 5, 45 %


def test_smallest_sign_flip_p_is_reached():
    assert paired.smallest_sign_flip_p(5, 1) == paired.sign_flip_p(np.ones(5))
    assert paired.smallest_sign_flip_p(3, 5) == 1.0


@pytest.mark.parametrize(("n", "m"), [(3, 1), (3, 15), (5, 1), (5, 5), (10, 5), (30, 1)])
def test_minimum_detectable_difference_has_80_percent_power_by_statsmodels(generator, n, m):
    differences = generator.normal(0, 2, n)
    # Rounded: scipy's noncentral t, which statsmodels calls, is NaN at some arguments.
    standardized = round(minimum_detectable_difference(differences, m) / differences.std(ddof=1), 9)
    assert TTestPower().power(standardized, n, 0.05 / m) == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize(("n", "m"), [(3, 1000), (3, 5000), (4, 100_000)])
def test_minimum_detectable_difference_is_finite_and_grows_where_scipys_noncentral_t_fails(n, m):
    differences = np.arange(float(n))
    sizes = [minimum_detectable_difference(differences, m * k) for k in (1, 2, 4)]
    assert np.isfinite(sizes).all()
    assert sizes[0] < sizes[1] < sizes[2]


def normal(generator, n, m):
    return generator.normal(0.97, 0.004, (REPLICATES, m + 1, n))


def rounded(images):
    def draw(generator, n, m):
        return np.round(normal(generator, n, m) * images)  # counts, so that ties are ties

    return draw


def skewed(generator, n, m):
    return 0.99 - generator.gamma(2.0, 0.003, (REPLICATES, m + 1, n))


def diverging(generator, n, m):
    values = normal(generator, n, m)
    values[generator.random(values.shape) < 0.1] = 0.1
    return values


def family_error(values, true=0.0):
    differences = values[:, 1:] - values[:, :1]
    adjusted = paired.holm(paired.paired_p(differences))
    null = np.broadcast_to(true == 0.0, adjusted.shape)
    return (np.where(null, adjusted, 1.0) <= 0.05).any(axis=1).mean()


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize(
    ("draw", "bound"),
    [
        (normal, 0.05 + MONTE_CARLO),
        (rounded(10_000), 0.065),
        (rounded(360), 0.065),
        (skewed, 0.065),
        (diverging, 0.055),
    ],
    ids=["normal", "10000 images", "360 images", "skewed", "diverging"],
)
def test_family_wise_error_is_kept(generator, draw, bound, n, m):
    assert family_error(draw(generator, n, m)) <= bound


@pytest.mark.parametrize("n", [3, 5, 10])
def test_family_wise_error_is_kept_under_a_partial_null(generator, n):
    values, true = normal(generator, n, 5), np.array([0.0, 0.0, 0.0, 0.02, 0.02])
    values[:, 1:] += true[:, None]
    assert family_error(values, true) <= 0.05 + MONTE_CARLO


@pytest.mark.parametrize("n", [3, 5, 10])
def test_family_wise_error_of_all_pairs_is_kept(generator, n):
    values = normal(generator, n, 5)
    first, second = np.triu_indices(6, 1)
    p = paired.holm(paired.paired_p(values[:, first] - values[:, second]))
    assert (p <= 0.05).any(axis=1).mean() <= 0.05 + MONTE_CARLO


def coverage(differences, true=0.0):
    """Return the coverage of the t interval, over the samples that have one, and its error."""
    bounds = [paired.t_interval(d) for d in differences]
    covered = [low <= true <= high for low, high in filter(None, bounds)]
    return np.mean(covered), 3 * math.sqrt(0.05 * 0.95 / len(covered))


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize(
    ("draw", "low", "high"),
    [
        (normal, 0.94, 0.96),
        (rounded(10_000), 0.93, 0.98),
        (rounded(360), 0.93, 0.98),
        (skewed, 0.93, 0.98),
    ],
    ids=["normal", "10000 images", "360 images", "skewed"],
)
def test_intervals_cover(generator, draw, low, high, n):
    values = draw(generator, n, 1)
    covered, _ = coverage(values[:, 1] - values[:, 0])
    assert low <= covered <= high


def test_intervals_cover_a_true_difference_too(generator):
    values = normal(generator, 5, 1) + np.array([[0.0], [0.02]])
    covered, error = coverage(values[:, 1] - values[:, 0], 0.02)
    assert covered == pytest.approx(0.95, abs=error)


@pytest.mark.parametrize("n", [5, 10])
def test_dropping_diverged_trials_would_call_a_worse_variant_better(generator, n):
    """One trial in ten diverges and the others are half a point better: worse on average."""
    values = generator.normal(0.97, 0.001, (REPLICATES, 2, n)) + np.array([[0.0], [0.005]])
    lost = generator.random((REPLICATES, n)) < 0.1
    counted = np.where(lost, 0.1, values[:, 1]) - values[:, 0]
    ahead = (paired.paired_p(counted) <= 0.05) & (counted.mean(axis=1) > 0)
    kept = values[:, 1] - values[:, 0]
    some = np.flatnonzero(lost.any(axis=1) & (lost.sum(axis=1) <= n - 3))
    dropped = [paired.paired_p(kept[i][~lost[i]]) <= 0.05 for i in some]
    assert not ahead[some].any()
    assert np.mean(dropped) > 0.75
