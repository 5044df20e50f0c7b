import numpy as np
import pytest

from ablab.stats import paired
from ablab.stats.equivalence import inside_p, outside_p
from ablab.stats.futility import chance_of_difference, chance_of_equivalence
from ablab.stats.sequential import Look

LAST = Look((5, 10, 15, 20), 4)


def predicted_means(differences, count, generator):
    """Draw samples of the last look from the predictive distribution, with the same spread."""
    n, mean, sd = differences.size, differences.mean(), differences.std(ddof=1)
    true = mean + sd / np.sqrt(n) * generator.standard_t(n - 1, count)
    more = generator.normal(true, sd / np.sqrt(20 - n))
    return (n * mean + (20 - n) * more) / 20


@pytest.mark.parametrize("n", [10, 15])
@pytest.mark.parametrize("mean", [0.0, 0.3, 0.6, -0.6])
def test_the_chance_of_a_difference_is_that_of_drawn_seeds(n, mean):
    generator = np.random.default_rng(n)
    sample = generator.normal(size=n)
    sample = (sample - sample.mean()) / sample.std(ddof=1) + mean
    shape = generator.normal(size=20)
    shape = (shape - shape.mean()) / shape.std(ddof=1)
    drawn = predicted_means(sample, 4000, generator)[:, None] + shape
    p = LAST.repeated(paired.paired_p(drawn))
    chance = chance_of_difference(sample, LAST, 0.05)
    assert chance == pytest.approx((p <= 0.05).mean(), abs=0.06)


@pytest.mark.parametrize("mean", [0.0, 0.9, 1.8])
def test_the_chance_of_equivalence_is_that_of_drawn_seeds(mean):
    generator = np.random.default_rng(7)
    sample = generator.normal(size=10)
    sample = (sample - sample.mean()) / sample.std(ddof=1) + mean
    shape = generator.normal(size=20)
    shape = (shape - shape.mean()) / shape.std(ddof=1)
    drawn = predicted_means(sample, 4000, generator)[:, None] + shape
    inside = LAST.repeated(2 * inside_p(drawn, 0.9)) / 2 <= 0.05
    outside = LAST.repeated(outside_p(drawn, 0.9)) <= 0.05
    chance = chance_of_equivalence(sample, LAST, 0.9, 0.05, 0.05)
    assert chance == pytest.approx((inside | outside).mean(), abs=0.06)


def test_equal_differences_leave_no_doubt():
    equal = np.array([[0.0] * 5, [0.2] * 5])
    assert chance_of_difference(equal, LAST, 0.05) == pytest.approx([0, 1])
    assert chance_of_equivalence(equal, LAST, 0.1, 0.05, 0.05) == pytest.approx([1, 1])


def test_a_bound_of_a_tenth_costs_little_power():
    generator = np.random.default_rng(20_260_106)
    samples = generator.normal(0.75, 1, (4000, 20))
    detected, going = np.zeros((2, 4000), dtype=bool)
    going |= True
    for number, n in enumerate((5, 10, 15, 20), 1):
        p = Look(LAST.sizes, number).repeated(paired.paired_p(samples[:, :n]))
        detected |= going & (p <= 0.05)
        if n < 20:
            going &= chance_of_difference(samples[:, :n], LAST, 0.05) >= 0.1
    fixed = (paired.paired_p(samples) <= 0.05).mean()
    assert fixed > 0.85
    assert fixed - detected.mean() < 0.03
