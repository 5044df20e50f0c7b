import numpy as np
import pytest
from scipy import stats
from tables_by_hand import plan, rows

from ablab.report.analysis.analysis import analyze
from ablab.report.analysis.ranks import critical_difference, friedman_p, rank
from ablab.tracking.plan import Part, Plan


@pytest.fixture
def generator():
    return np.random.default_rng(20_260_106)


def ranks_of(outcomes, datasets=None, **more):
    """Rank the variants over blocks, each on its dataset."""
    table = [r for i, f in enumerate(outcomes) for r in rows(f, block=f"b{i}")]
    first = plan(table, **more).parts[0]
    of = dict(zip((f"b{i}" for i in range(len(outcomes))), datasets or [], strict=False))
    trials = {r.key: {"choices": {"dataset": of[r.block]}} for r in table if of}
    part = Part(first.kind, first.time, first.command, first.spec, first.cells, trials)
    return analyze(Plan("x", (part,)), table).ranks


def draw(generator, blocks, variants=("relu", "elu", "tanh", "sigmoid")):
    return [
        {v: list(np.round(generator.normal(90, 2, 3), 2)) for v in variants} for _ in range(blocks)
    ]


def test_ranks_and_friedmans_p_are_scipys(generator):
    for values in (generator.normal(size=(6, 4)), generator.integers(0, 3, (8, 5)) / 10):
        ranked = rank(values)
        np.testing.assert_array_equal(ranked, stats.rankdata(values, axis=1))
        assert friedman_p(ranked) == pytest.approx(stats.friedmanchisquare(*values.T).pvalue)


def test_the_critical_difference_is_of_the_studentized_range():
    for k, count in ((3, 5), (4, 10), (20, 7), (100, 30)):
        expected = stats.studentized_range.ppf(0.95, k, np.inf) / 2**0.5
        expected *= (k * (k + 1) / (6 * count)) ** 0.5
        assert critical_difference(k, count) == pytest.approx(expected, rel=1e-5)
    assert critical_difference(5, 1) == pytest.approx(2.728 * 5**0.5, rel=1e-3)  # Demšar's table


def test_below_five_datasets_ranks_are_over_blocks(generator):
    outcomes = draw(generator, 6)
    ranks = ranks_of(outcomes, ["mnist", "digits", "cifar10"] * 2)
    means = np.array([[-np.mean(f[v]) for v in f] for f in outcomes])
    expected = dict(zip(outcomes[0], stats.rankdata(means, axis=1).mean(axis=0), strict=True))
    assert ranks.means == pytest.approx(expected)
    assert list(ranks.means.values()) == sorted(ranks.means.values())
    assert (ranks.over, ranks.count) == ("blocks", 6)
    assert ranks.friedman_p is ranks.critical_difference is None


def test_from_five_datasets_on_architectures_are_averaged_first(generator):
    outcomes = draw(generator, 10)
    ranks = ranks_of(outcomes, [f"d{i}" for i in range(5)] * 2)
    means = np.array([[-np.mean(f[v]) for v in f] for f in outcomes])
    averaged = (means[:5] + means[5:]) / 2
    assert (ranks.over, ranks.count) == ("datasets", 5)
    assert ranks.friedman_p == pytest.approx(stats.friedmanchisquare(*averaged.T).pvalue)
    assert ranks.critical_difference == critical_difference(4, 5)


def test_the_lowest_value_ranks_first_if_lower_is_better():
    outcomes = [{"relu": [90.0] * 3, "elu": [80.0] * 3}] * 2
    assert list(ranks_of(outcomes, goal="min").means) == ["elu", "relu"]
    assert list(ranks_of(outcomes).means) == ["relu", "elu"]


def test_ties_share_their_rank():
    outcomes = [{"relu": [90.0] * 3, "elu": [90.0] * 3}] * 2
    assert set(ranks_of(outcomes).means.values()) == {1.5}


def test_a_variant_that_lacks_a_block_is_not_ranked(generator):
    outcomes = draw(generator, 3)
    del outcomes[1]["tanh"]
    assert set(ranks_of(outcomes).means) == {"relu", "elu", "sigmoid"}


def test_two_variants_have_no_critical_difference(generator):
    ranks = ranks_of(draw(generator, 6, ("relu", "elu")), [f"d{i}" for i in range(6)])
    assert ranks.over == "datasets"
    assert ranks.critical_difference is None
