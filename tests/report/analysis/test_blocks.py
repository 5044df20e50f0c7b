import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from tables_by_hand import EQUIVALENCE, FAILED, RELU, analyze_rows, plus, rows, spec

from ablab.stats import paired

REPLICATES = 10_000
MONTE_CARLO = 3 * math.sqrt(0.05 * 0.95 / REPLICATES)


@pytest.fixture
def generator():
    return np.random.default_rng(20_260_104)


def draw(generator, variants=3, blocks=3, seeds=5):
    """Draw accuracies of whole images by block and variant."""
    return [
        {f"v{v}": list(np.round(generator.normal(98, 0.3, seeds), 2)) for v in range(variants)}
        for _ in range(blocks)
    ]


def analysis_of(outcomes, **more):
    table = [r for i, f in enumerate(outcomes) for r in rows(f, block=f"d{i}")]
    return analyze_rows(table, spec(list(outcomes[0]), baseline="v0", **more))


def test_differences_are_averaged_over_blocks_within_each_seed(generator):
    outcomes = draw(generator)
    across = analysis_of(outcomes).across
    for contrast in across.family:
        means = [np.mean([f[v] for f in outcomes], axis=0) / 100 for v in (contrast.variant, "v0")]
        expected = stats.ttest_rel(*means)
        assert contrast.n == 5
        assert contrast.p == pytest.approx(expected.pvalue)
        assert contrast.interval == pytest.approx(tuple(expected.confidence_interval()))


def test_the_mean_over_blocks_is_the_mean_of_the_block_means(generator):
    analysis = analysis_of(draw(generator))
    for contrast in analysis.across.family:
        own = [c.mean for b in analysis.blocks for c in b.family if c.variant == contrast.variant]
        assert contrast.mean == pytest.approx(np.mean(own))


@pytest.mark.parametrize("more", [{}, {"kind": "best"}, EQUIVALENCE])
def test_within_blocks_holm_is_over_all_cells(generator, more):
    analysis = analysis_of(draw(generator), **more)
    cells = [c for block in analysis.blocks for c in block.family]
    assert [c.p_cell for c in cells] == pytest.approx(
        multipletests([c.p for c in cells], method="holm")[1]
    )
    assert {c.m for c in cells} == {len(cells)}
    across = analysis.across.family
    assert [c.p_holm for c in across] == pytest.approx(
        multipletests([c.p for c in across], method="holm")[1]
    )
    if more == EQUIVALENCE:
        expected = multipletests([c.equivalence.p for c in cells], method="holm")[1]
        assert [c.equivalence.p_holm for c in cells] == pytest.approx(expected)


def test_a_seed_that_lacks_a_trial_in_one_block_is_left_out_of_all():
    whole = {"v0": RELU, "v1": plus(1, 2, 3, 4, 5)}
    broken = {"v0": RELU, "v1": [FAILED, *plus(1, 2, 3, 4, 5)[1:]]}
    (contrast,) = analysis_of([whole, broken]).across.family
    assert contrast.seeds == (1, 2, 3, 4)
    assert contrast.left_out == 1
    assert contrast.differences == pytest.approx([0.02, 0.03, 0.04, 0.05])


def test_ties_over_blocks_are_exact():
    """0.1, 0.2 and -0.3 points do not sum to 0 in floating point."""
    gains = (0.1, 0.2, -0.3)
    outcomes = [{"v0": RELU, "v1": plus(*[g] * 5)} for g in gains]
    (contrast,) = analysis_of(outcomes).across.family
    assert (contrast.differences == 0).all()
    assert contrast.p == 1.0


def test_blocks_with_test_sets_of_different_size_are_averaged_as_accuracies():
    table = rows({"v0": [90.0] * 3, "v1": [91.0, 92.0, 93.0]}, block="a", images=10_000)
    table += rows({"v0": [50.0] * 3, "v1": [75.0] * 3}, block="b", images=360)
    (contrast,) = analyze_rows(table, spec(["v0", "v1"], baseline="v0")).across.family
    assert contrast.differences == pytest.approx([0.13, 0.135, 0.14])


def test_one_block_has_no_comparison_over_blocks(generator):
    analysis = analysis_of(draw(generator, blocks=1))
    assert analysis.across is None
    assert len(analysis.blocks) == 1


def blockwise(generator, n, correlated):
    """Draw differences (replicates, blocks, variants, n) under the null hypothesis.

    If correlated, a seed has an effect that all blocks share.
    """
    shared = generator.normal(0, correlated, (REPLICATES, 1, 5, n))
    return shared + generator.normal(0, 1, (REPLICATES, 4, 5, n))


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("correlated", [0.0, 1.0])
def test_family_wise_error_over_blocks_is_kept(generator, n, correlated):
    differences = blockwise(generator, n, correlated)
    across = paired.holm(paired.paired_p(differences.mean(axis=1)))
    assert (across <= 0.05).any(axis=1).mean() <= 0.05 + MONTE_CARLO
    p = paired.paired_p(differences)
    cells = paired.holm(p.reshape(REPLICATES, -1))
    assert (cells <= 0.05).any(axis=1).mean() <= 0.05 + MONTE_CARLO
    alone = (paired.holm(p) <= 0.05).any(axis=(1, 2)).mean()
    assert alone > 0.09  # what Holm per block would do


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_over_blocks_covers_and_pooled_pairs_do_not(generator, n):
    differences = blockwise(generator, n, 1.0)[:, :, 0]
    means = differences.mean(axis=1)
    half = stats.t.ppf(0.975, n - 1) * means.std(axis=1, ddof=1) / math.sqrt(n)
    assert (np.abs(means.mean(axis=1)) <= half).mean() == pytest.approx(0.95, abs=0.01)
    pooled = differences.reshape(REPLICATES, -1)
    size = pooled.shape[1]
    half = stats.t.ppf(0.975, size - 1) * pooled.std(axis=1, ddof=1) / math.sqrt(size)
    assert (np.abs(pooled.mean(axis=1)) <= half).mean() < 0.87
