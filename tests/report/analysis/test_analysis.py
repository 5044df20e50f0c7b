import random
from dataclasses import replace

import numpy as np
import pytest
from tables_by_hand import EQUIVALENCE, RELU, plan, plus, rows

from ablab.report.analysis.analysis import analyze
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.table import read_table
from ablab.report.text.verdict import verdict
from ablab.stats import paired
from ablab.stats.intervals import images_interval
from ablab.tracking.plan import read_plan
from ablab.tracking.records import CORRECT

GAINS = {"elu": (0.3, -0.2, 0.1, 0.4, -0.1), "tanh": (1, 1.2, 1.5, 1.1, 1)}
SEVERAL = {"relu": RELU} | {v: plus(*g) for v, g in GAINS.items()}


def values(analysis):
    """Return the contents of an analysis as plain values."""
    comparisons = [*analysis.blocks, *([analysis.across] if analysis.across else [])]
    contrasts = [c for comparison in comparisons for c in comparison.family]
    contrasts += analysis.factors.effects if analysis.factors else ()
    return (
        verdict(analysis),
        analysis.rows,
        [(c.variant, c.reference, c.seeds, list(c.differences)) for c in contrasts],
        [repr((c.p, c.p_holm, c.p_flip, c.interval, c.images_interval)) for c in contrasts],
        [c.equivalence for c in contrasts],
        [(s.epochs, {v: list(t.epochs) for v, t in s.variants.items()}) for s in analysis.speed],
        analysis.ranks,
    )


@pytest.mark.parametrize("more", [{}, {"kind": "best"}, EQUIVALENCE, {"target": 0.9}])
@pytest.mark.parametrize("blocks", [1, 3])
def test_shuffled_rows_give_the_same_analysis(more, blocks):
    table = [
        replace(r, curve=(0.5, 0.5 + r.value / 2))
        for block in range(blocks)
        for r in rows(SEVERAL, block=f"d{block}")
    ]
    asked = plan(table, blocks={f"d{block}": {} for block in range(blocks)}, **more)
    expected = values(analyze(asked, table))
    for seed in range(5):
        shuffled = random.Random(seed).sample(table, len(table))
        assert values(analyze(asked, shuffled)) == expected


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("kind", [{"kind": "best"}, {"kind": "versus_baseline"}, EQUIVALENCE])
def test_fewer_than_three_seeds_have_no_verdict(n, kind):
    table = rows({v: f[:n] for v, f in SEVERAL.items()})
    analysis = analyze(plan(table, **kind), table)
    assert verdict(analysis).is_given == (n == 3)
    for contrast in analysis.blocks[0].family:
        assert contrast.n == n
        assert (contrast.interval is None) == (n < 3)
        assert contrast.bca is contrast.won_interval is None
        assert contrast.result == "open" or n == 3


def test_a_running_sweep_has_values_and_no_verdict():
    table = rows({"relu": RELU, "elu": [*plus(1, 1, 1, 2), ("running", None)]})
    analysis = analyze(plan(table), table)
    assert not verdict(analysis).is_given
    assert analysis.blocks[0].family[0].n == 4


def test_a_sweep_without_trials_can_be_analyzed():
    table = rows({"relu": [("absent", None)] * 3, "elu": [("absent", None)] * 3})
    for more in ({}, {"kind": "best"}, {"target": 0.9}, EQUIVALENCE):
        analysis = analyze(plan(table, **more), table)
        assert verdict(analysis).sentence == "No verdict yet: 0 of 6 trials are done."


def test_twenty_seeds_have_a_bootstrap_interval_and_one_of_the_probability_of_winning():
    generator = np.random.default_rng(1)
    table = rows({v: list(np.round(generator.normal(98, 0.2, 20), 2)) for v in ("relu", "elu")})
    (contrast,) = analyze(plan(table), table).blocks[0].family
    low, high = contrast.bca
    assert low < contrast.mean < high
    low, high = contrast.won_interval
    assert low < contrast.won / 20 < high


def drawn(table, images=400):
    """Return rows with drawn correct images, whose share is the value."""
    generator, made = np.random.default_rng(2), []
    for row in table:
        correct = generator.random(images) < row.value
        made.append(
            replace(
                row,
                value=correct.mean(),
                total=images,
                data_hash="d",
                correct=lambda correct=correct: correct,
            )
        )
    return made


def by_image(table, variant, block="digits × mlp"):
    own = [r for r in table if r.variant == variant and r.block == block]
    return np.mean([r.correct() for r in own], axis=0)


def test_the_images_interval_uses_the_seed_mean_difference_of_each_image():
    table = drawn(rows({"relu": RELU, "elu": plus(-5, -6, -4, -5, -5)}))
    (contrast,) = analyze(plan(table), table).blocks[0].family
    difference = by_image(table, "elu") - by_image(table, "relu")
    assert difference.mean() == pytest.approx(contrast.mean)
    component = (difference.var(ddof=1) / 400, 399)
    expected = images_interval(contrast.differences, [component])
    assert contrast.images_interval == pytest.approx(expected)
    inner, outer = contrast.interval, contrast.images_interval
    assert outer[1] - outer[0] != inner[1] - inner[0]


@pytest.mark.parametrize("shared", [True, False])
def test_blocks_that_share_a_test_set_share_its_images(shared):
    table = [r for b in ("d0", "d1") for r in rows({"relu": RELU, "elu": RELU}, block=b)]
    table = drawn(table)
    if not shared:
        table = [replace(r, data_hash=r.block) for r in table]
    contrast = analyze(plan(table), table).across.family[0]
    both = [(by_image(table, "elu", b) - by_image(table, "relu", b)) / 2 for b in ("d0", "d1")]
    sets = [both[0] + both[1]] if shared else both
    expected = images_interval(contrast.differences, [(x.var(ddof=1) / 400, 399) for x in sets])
    assert contrast.images_interval == pytest.approx(expected)


def test_no_images_interval_if_a_trial_did_not_store_them_or_for_another_metric():
    table = drawn(rows({"relu": RELU, "elu": plus(-5, -6, -4, -5, -5)}))
    (contrast,) = analyze(plan(table, metric="val/accuracy"), table).blocks[0].family
    assert contrast.images_interval is None
    table[3] = replace(table[3], correct=lambda: None)
    (contrast,) = analyze(plan(table), table).blocks[0].family
    assert contrast.images_interval is None
    assert contrast.interval is not None


def test_correct_images_are_read_from_the_run(writer):
    writer.sweep({"relu": [0.5, 0.75, 0.5], "elu": [0.5, 0.5, 0.75]})
    plan_read = read_plan(writer.lab.sweep_folder("activations"))
    generator = np.random.default_rng(3)
    for row in read_table(writer.lab, plan_read):
        assert row.correct() is None
        bits = np.packbits(generator.random(10_000) < row.value)
        np.save(writer.lab.finished(row.key).folder / CORRECT, bits)
    table = read_table(writer.lab, plan_read)
    assert all(row.correct().shape == (10_000,) for row in table)
    (contrast,) = analyze(plan_read, table).blocks[0].family
    assert contrast.images_interval is not None


def test_a_contrast_that_is_not_tested_is_open():
    contrast = Contrast("a", "b", np.arange(5.0), np.arange(5.0), 0, 1)
    assert contrast.result == "open"
    assert contrast.interval == paired.t_interval(np.arange(5.0))
