import math

import numpy as np
import pytest
from scipy import stats

from ablab.stats import paired
from ablab.stats.boundaries import boundaries
from ablab.stats.sequential import SPENDING, Look, error_spent

REPLICATES = 10_000
MONTE_CARLO = 3 * math.sqrt(0.05 * 0.95 / REPLICATES)
SIZES = (5, 10, 15, 20)


@pytest.mark.parametrize("spending", SPENDING)
def test_the_table_of_levels_agrees_with_the_boundaries(spending):
    for level in (0.05, 0.025, 0.05 / 15):
        bounds = boundaries(SIZES, error_spent(np.array([level]), SIZES, spending))[:, 0]
        looks = [Look(SIZES, number, spending) for number in range(1, 5)]
        nominal = [look.nominal(level) for look in looks]
        assert nominal == pytest.approx(2 * stats.norm.sf(bounds), rel=1e-3)
        for look, own in zip(looks, nominal, strict=True):
            assert float(look.repeated(np.array(own))) == pytest.approx(level, rel=1e-9)


def test_the_repeated_p_and_the_repeated_interval_decide_alike():
    generator = np.random.default_rng(1)
    for number in range(1, 5):
        look = Look(SIZES, number)
        for level in (0.05, 0.01):
            for _ in range(50):
                sample = generator.normal(generator.uniform(0, 3), 1, look.size)
                p = float(look.repeated(paired.paired_p(sample)))
                low, high = paired.t_interval(sample, look.nominal(level))
                assert (p <= level) == (not low <= 0 <= high)


def test_a_fixed_design_adjusts_nothing():
    p = np.array([0.2, 0.05, math.nan])
    assert Look().repeated(p) is p
    assert Look((20,)).nominal(0.05) == 0.05
    assert Look(SIZES, 2).last == Look(SIZES, 4)


def test_repeated_p_is_never_smaller_and_keeps_its_ends():
    p = np.array([1.0, 0.9, 0.5, 0.05, 1e-4])
    for number in range(1, 5):
        repeated = Look(SIZES, number).repeated(p)
        assert (repeated >= p).all()
        assert (np.diff(repeated) <= 0).all()
    assert math.isnan(Look(SIZES, 1).repeated(np.array(math.nan)))


def rejected(differences, spending, sizes=SIZES):
    """Return whether each contrast of (replicates, m, n) is rejected at any look, by Holm."""
    repeated = np.ones(differences.shape[:-1])
    is_rejected = np.zeros(repeated.shape, dtype=bool)
    for number, n in enumerate(sizes, 1):
        p = Look(sizes, number, spending).repeated(paired.paired_p(differences[..., :n]))
        repeated = np.where(is_rejected, repeated, p)
        is_rejected = paired.holm(repeated) <= paired.ALPHA
    return is_rejected


@pytest.mark.parametrize("m", [1, 5])
@pytest.mark.parametrize("spending", SPENDING)
def test_the_family_wise_error_over_looks_is_five_percent(m, spending):
    generator = np.random.default_rng(20_260_103)
    values = generator.normal(size=(REPLICATES, m + 1, 20))
    differences = values[:, 1:] - values[:, :1]
    assert rejected(differences, spending).any(axis=1).mean() <= 0.05 + MONTE_CARLO
    naive = np.any([paired.paired_p(differences[:, 0, :n]) <= 0.05 for n in SIZES], axis=0)
    assert naive.mean() > 0.09  # what looks without spending would cost


def test_the_family_wise_error_holds_where_some_variants_differ():
    generator = np.random.default_rng(20_260_104)
    values = generator.normal(size=(REPLICATES, 6, 20))
    values[:, 4:] += np.array([1.0, 3.0])[:, None]
    for spending in SPENDING:
        null = rejected(values[:, 1:] - values[:, :1], spending)[:, :3]
        assert null.any(axis=1).mean() <= 0.05 + MONTE_CARLO


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_repeated_intervals_cover_at_all_looks_together(shift):
    generator = np.random.default_rng(20_260_105)
    samples = generator.normal(shift, 1, (2000, 20))
    covered = np.ones(2000, dtype=bool)
    for number, n in enumerate(SIZES, 1):
        level = Look(SIZES, number).nominal(0.05)
        bounds = np.array([paired.t_interval(sample[:n], level) for sample in samples])
        covered &= (bounds[:, 0] <= shift) & (shift <= bounds[:, 1])
    assert covered.mean() >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 2000)
