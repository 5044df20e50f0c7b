from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special
from statsmodels.stats.anova import AnovaRM
from tables_by_hand import FAILED, analyze_rows, rows, spec

from ablab.stats import paired


@pytest.fixture
def generator():
    return np.random.default_rng(20_260_105)


def question(levels_a, levels_b, **more):
    variants = {
        f"{a} · {b}": {"normalization": a, "optimizer.lr": b} for a in levels_a for b in levels_b
    }
    first = next(iter(variants))
    return spec(variants, kind="factors", baseline=first, variants=variants, **more)


def draw(generator, asked, seeds=5):
    return {v: list(np.round(generator.normal(90, 2, seeds), 2)) for v in asked.variants}


def factors_of(outcomes, asked):
    return analyze_rows(rows(outcomes), asked).factors


def test_effects_of_two_by_two_are_a_repeated_measures_anova(generator):
    asked = question(["none", "batch"], [0.1, 0.2])
    outcomes = draw(generator, asked)
    long = pd.DataFrame(
        [
            {"seed": seed, "y": y / 100, **{k.partition(".")[0]: str(x) for k, x in cell.items()}}
            for variant, cell in asked.variants.items()
            for seed, y in enumerate(outcomes[variant])
        ]
    )
    table = AnovaRM(long, "y", "seed", ["normalization", "optimizer"]).fit().anova_table
    factors = factors_of(outcomes, asked)
    assert [c.variant for c in factors.effects] == [
        "normalization: batch",
        "optimizer.lr: 0.2",
        "normalization × optimizer.lr",
    ]
    assert [c.p for c in factors.effects] == pytest.approx(list(table["Pr > F"]))
    t_squared = [(c.mean / (c.differences.std(ddof=1) / 5**0.5)) ** 2 for c in factors.effects]
    assert t_squared == pytest.approx(list(table["F Value"]))


def test_effects_have_the_signs_of_their_names(generator):
    asked = question(["none", "batch"], [0.1, 0.2])
    outcomes = draw(generator, asked)
    bare, b, a, both = (np.array(f) / 100 for f in outcomes.values())
    main_a, main_b, interaction = (c.differences for c in factors_of(outcomes, asked).effects)
    assert main_a == pytest.approx((a + both - bare - b) / 2)
    assert main_b == pytest.approx((b + both - bare - a) / 2)
    assert interaction == pytest.approx((both - a) - (b - bare))


def test_a_larger_grid_has_an_effect_for_each_level_and_pair(generator):
    asked = question(["none", "batch", "layer"], [0.1, 0.2, 0.3, 0.4])
    outcomes = draw(generator, asked)
    factors = factors_of(outcomes, asked)
    y = {tuple(name.split(" · ")): np.array(f) / 100 for name, f in outcomes.items()}
    effects = {c.variant: c for c in factors.effects}
    assert len(effects) == 3 * 4 - 1 == effects["optimizer.lr: 0.3"].m
    rates = ("0.1", "0.2", "0.3", "0.4")
    layer = np.mean([y["layer", r] - y["none", r] for r in rates], axis=0)
    assert effects["normalization: layer"].differences == pytest.approx(layer)
    pair = effects["normalization: layer × optimizer.lr: 0.3"].differences
    expected = y["layer", "0.3"] - y["layer", "0.1"] - y["none", "0.3"] + y["none", "0.1"]
    assert pair == pytest.approx(expected)


def test_the_baselines_levels_are_the_references(generator):
    asked = replace(question(["none", "batch"], [0.1, 0.2]), baseline="batch · 0.2")
    factors = factors_of(draw(generator, asked), asked)
    assert factors.levels == (("batch", "none"), ("0.2", "0.1"))
    assert [c.reference for c in factors.effects[:2]] == [
        "normalization: batch",
        "optimizer.lr: 0.2",
    ]


def test_signs_on_log_odds_are_those_of_the_logits(generator):
    asked = question(["none", "batch"], [0.1, 0.2])
    seen = set()
    for _ in range(40):
        outcomes = {
            v: list(np.round(generator.uniform(low, 99.9, 5), 2))
            for v, low in zip(asked.variants, (60, 80, 98, 99), strict=True)
        }
        bare, b, a, both = (special.logit(np.array(f) / 100) for f in outcomes.values())
        factors = factors_of(outcomes, asked)
        same = np.sign(np.mean(both - a - b + bare)) == np.sign(factors.effects[2].mean)
        assert factors.keeps_sign == same
        seen.add(bool(same))
    assert seen == {True, False}


def test_log_odds_are_finite_at_the_ceiling():
    asked = question(["none", "batch"], [0.1, 0.2])
    outcomes = dict(zip(asked.variants, [[y] * 3 for y in (50.0, 90.0, 90.0, 100.0)], strict=True))
    assert factors_of(outcomes, asked).keeps_sign is False


def test_other_metrics_have_no_log_odds(generator):
    asked = question(["none", "batch"], [0.1, 0.2], metric="test/loss")
    assert factors_of(draw(generator, asked), asked).keeps_sign is None


def test_a_missing_cell_leaves_out_its_effects(generator):
    asked = question(["none", "batch", "layer"], [0.1, 0.2])
    outcomes = draw(generator, asked)
    del outcomes["layer · 0.2"]
    n = {c.variant: c.n for c in factors_of(outcomes, asked).effects}
    assert n["normalization: layer"] == n["optimizer.lr: 0.2"] == 0
    assert n["normalization: batch"] == n["normalization: batch × optimizer.lr: 0.2"] == 5


def test_a_failed_trial_leaves_its_seed_out(generator):
    asked = question(["none", "batch"], [0.1, 0.2])
    outcomes = draw(generator, asked)
    outcomes["batch · 0.1"][2] = FAILED
    for contrast in factors_of(outcomes, asked).effects:
        assert contrast.seeds == (0, 1, 3, 4)
        assert contrast.left_out == 1


def test_factors_are_averaged_over_blocks_within_each_seed(generator):
    asked = question(["none", "batch"], [0.1, 0.2])
    outcomes = [draw(generator, asked) for _ in range(3)]
    table = [r for i, f in enumerate(outcomes) for r in rows(f, block=f"d{i}")]
    together = analyze_rows(table, asked)
    alone = [factors_of(f, asked) for f in outcomes]
    for i, contrast in enumerate(together.factors.effects):
        own = np.mean([f.effects[i].differences for f in alone], axis=0)
        assert contrast.differences == pytest.approx(own)
    assert all(np.isnan(c.p) for c in together.across.family)  # described, not tested


def test_family_wise_error_of_the_three_effects_is_kept(generator):
    cells = generator.normal(0, 1, (10_000, 4, 5)) + generator.normal(0, 1, (10_000, 1, 5))
    weights = np.array([[-0.5, -0.5, 0.5, 0.5], [-0.5, 0.5, -0.5, 0.5], [1, -1, -1, 1]])
    p = paired.holm(paired.paired_p(np.einsum("ec,rcn->ren", weights, cells)))
    assert (p <= 0.05).any(axis=1).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 10_000)
