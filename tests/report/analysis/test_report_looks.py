import numpy as np
import pytest
from looks_by_hand import SIZES, accuracies, grow, looks
from tables_by_hand import FAILED, analyze_rows, rows, spec

from ablab.report.analysis.comparing import compare
from ablab.report.analysis.interim import Interim
from ablab.report.analysis.looks import follow
from ablab.stats import paired
from ablab.stats.sequential import Look
from ablab.tracking.spec import Looks

POCOCK = looks(spending="pocock")


def group_sequential_holm(outcomes):
    """Return when each variant is decided: hypothesis by hypothesis, as Maurer and Bretz state."""
    undecided, decided = [name for name in outcomes if name != "relu"], {}
    for number, n in enumerate(SIZES, 1):
        base = np.array(outcomes["relu"][:n])
        p = {v: float(paired.paired_p(np.array(outcomes[v][:n]) - base)) for v in undecided}
        while undecided:
            level = Look(SIZES, number, "pocock").nominal(0.05 / len(undecided))
            rejected = [v for v in undecided if p[v] <= level]
            if not rejected:
                break
            first = min(rejected, key=p.__getitem__)
            decided[first] = number
            undecided.remove(first)
    return decided


def test_decisions_are_those_of_the_group_sequential_holm_procedure():
    generator, numbers = np.random.default_rng(5), []
    for _ in range(40):
        outcomes = accuracies(generator, [0, 0, 0.7, 1.5, 4.0])
        expected = group_sequential_holm(outcomes)
        _, _, history = grow(outcomes, **POCOCK)
        last = history[-1]
        decided = {c.variant: c.look.number for c in last.comparison.tested if c.result != "open"}
        assert decided == expected
        assert last.is_over
        numbers += expected.values()
    assert set(numbers) == {1, 2, 3, 4}


def test_a_decided_variant_stops_and_the_baseline_goes_on():
    outcomes = accuracies(np.random.default_rng(1), [0, 0.3, 30])
    table, _, history = grow(outcomes)
    assert history[0].variants == ("relu", "v1")
    counts = {v: sum(r.variant == v for r in table) for v in outcomes}
    assert counts == {"relu": 20, "v1": 20, "v2": 5}


def test_contrasts_keep_the_seeds_of_their_look_and_miss_none():
    table, question, _ = grow(accuracies(np.random.default_rng(1), [0, 0.3, 30]))
    by = {c.variant: c for c in analyze_rows(table, question).main.tested}
    assert (by["v1"].n, by["v2"].n) == (20, 5)
    assert (by["v1"].left_out, by["v2"].left_out) == (0, 0)
    assert (by["v1"].look.number, by["v2"].look.number) == (4, 1)


def test_the_repeated_interval_excludes_zero_exactly_where_p_does():
    generator = np.random.default_rng(8)
    for _ in range(20):
        table, question, _ = grow(accuracies(generator, [0, 0.5, 1, 2]))
        for contrast in analyze_rows(table, question).main.tested:
            low, high = contrast.step_interval
            assert (contrast.p_holm <= 0.05) == (not low <= 0 <= high)


def test_best_stops_what_another_beats():
    outcomes = accuracies(np.random.default_rng(3), [0, 0.1, -20, -20.2])
    table, question, history = grow(outcomes, **POCOCK, kind="best", baseline="")
    assert history[0].variants == ("relu", "v1")
    assert sum(r.variant in ("v2", "v3") for r in table) == 10
    # That the two losers differ from each other is open, and the answer does not need it.
    comparison = analyze_rows(table, question).main
    assert comparison.reference in ("relu", "v1")


def test_a_beaten_variant_never_leads():
    """Its mean may be higher on the few seeds that it has."""
    names = {v: [90.0 + s / 10] * 20 for s, v in enumerate(("relu", "v1", "v2"))}
    table = [r for r in rows(names) if r.variant != "v2" or r.seed < 5]
    question = spec(names, **looks(), kind="best", baseline="")
    interim = Interim(question.looks, 2, beaten=frozenset({"v2"}))
    assert compare(table, question, interim).reference == "v1"


def test_factors_train_all_cells_and_keep_what_is_decided():
    values = accuracies(np.random.default_rng(4), [0, 0.2, 9, 9.2])
    names = ["none · none", "none · dropout", "batch · none", "batch · dropout"]
    outcomes = dict(zip(names, values.values(), strict=True))
    cells = [("none", "none"), ("none", "dropout"), ("batch", "none"), ("batch", "dropout")]
    grid = {
        name: {"normalization": a, "dropout": b} for name, (a, b) in zip(names, cells, strict=True)
    }
    question = spec(names, **POCOCK, kind="factors", baseline=names[0], variants=grid)
    table, _, history = grow(outcomes, question)
    assert history[0].variants == tuple(names)
    effects = {c.variant: c for c in analyze_rows(table, question).factors.effects}
    assert effects["normalization: batch"].n == 5
    assert effects["dropout: dropout"].n == len(table) / 4


def test_equivalence_stops_what_is_equivalent_or_different():
    outcomes = accuracies(np.random.default_rng(6), [0, 0.0, 60, 9.9], sd=0.05)
    _, _, history = grow(outcomes, **POCOCK, kind="equivalence", margin=0.005)
    assert history[0].variants == ("relu", "v3")
    results = {c.variant: c.equivalence.result for c in history[-1].comparison.tested}
    assert results == {"v1": "equivalent", "v2": "different", "v3": "undecided"}


def test_futility_gives_up_what_the_last_look_would_not_decide():
    outcomes = accuracies(np.random.default_rng(9), [0, 0, 0, 0, 0, 0])
    table, _, history = grow(outcomes, **looks(futility=0.1))
    assert history[-1].is_over
    assert len(table) < 0.8 * 120
    assert all(c.result == "open" for c in history[-1].comparison.tested)
    without, _, _ = grow(outcomes)
    assert len(without) == 120


def test_nothing_is_decided_before_a_look_is_settled():
    outcomes = {"relu": [98.0, 98.1, 98.2, 98.1, ("running", None)], "v1": [95.0, 95.2] * 2 + [95]}
    question = spec(outcomes, **looks())
    progress = follow(rows(outcomes), question)
    assert not progress.is_settled
    assert not progress.is_over
    assert progress.variants == ()
    assert not analyze_rows(rows(outcomes), question).has_verdict


def test_no_verdict_before_the_last_look_that_is_needed():
    outcomes = {v: per[:5] for v, per in accuracies(np.random.default_rng(1), [0, 0.3, 30]).items()}
    analysis = analyze_rows(rows(outcomes), spec(outcomes, **looks()))
    assert analysis.progress.variants == ("relu", "v1")
    assert not analysis.has_verdict


def test_a_failed_trial_is_missing_at_every_look():
    outcomes = accuracies(np.random.default_rng(1), [0, 0.3, 30])
    outcomes["v1"][2] = FAILED
    table, question, _ = grow(outcomes)
    contrast = next(c for c in analyze_rows(table, question).main.tested if c.variant == "v1")
    assert (contrast.n, contrast.left_out) == (19, 1)


@pytest.mark.parametrize(("planned", "number"), [(2, 1), (5, 1), (9, 1), (10, 2), (20, 2)])
def test_the_look_of_a_contrast_is_the_newest_that_its_variants_have(planned, number):
    interim = Interim(Looks(SIZES, "pocock", None), 2)
    assert interim.look_of(("a", "b"), planned) == Look(SIZES, number, "pocock")


def test_a_fixed_sweep_has_no_looks():
    outcomes = {"relu": [98.0, 98.1, 98.2], "v1": [97.0, 97.3, 97.1]}
    assert follow(rows(outcomes), spec(outcomes)) is None
