"""The verdicts on one block, for every kind of question."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired
from tables_by_hand import (
    APART,
    CLOSE,
    DIVERGED,
    EQUIVALENCE,
    FAILED,
    IMAGES,
    RELU,
    analyze_rows,
    plan,
    plus,
    rows,
    spec,
    tuned_with,
    typeset,
)

from ablab.formatting import MINUS
from ablab.report.analysis.analysis import analyze
from ablab.report.analysis.comparing import compare
from ablab.report.text.provenance import notices
from ablab.report.text.verdict import verdict
from ablab.tracking.plan import Part, Plan


def say(outcomes, images=IMAGES, **more):
    return verdict(analyze_rows(rows(outcomes, images=images), spec(outcomes, **more))).sentence


SENTENCES = {
    "beats": (
        {"relu": RELU, "elu": plus(1.2, 1.3, 1.1, 1.2, 1.2)},
        {},
        "At fixed hyper-parameters, elu beats the baseline relu by 1.20 points (95 % CI 1.11 to "
        "1.29, Holm p < 0.001, n = 5).",
    ),
    "is beaten": (
        {"relu": RELU, "elu": plus(-1.2, -1.3, -1.1, -1.2, -1.2)},
        {},
        "At fixed hyper-parameters, the baseline relu beats elu by 1.20 points (95 % CI 1.11 to "
        "1.29, Holm p < 0.001, n = 5).",
    ),
    "open": (
        {"relu": RELU, "elu": plus(0.3, -0.2, 0.1, 0.4, -0.1)},
        {},
        "At fixed hyper-parameters, no difference from the baseline relu was detected for elu "
        "(95 % CI -0.22 to 0.42 points); minimum detectable difference: about 0.43 points (80 % "
        "power).",
    ),
    "tuned, less is better": (
        {"relu": RELU, "elu": plus(-1.2, -1.3, -1.1, -1.2, -1.2)},
        {"tune": tuned_with(20, [9000]), "goal": "min"},
        "Tuned with 20 trials each, elu beats the baseline relu by 1.20 points (95 % CI 1.11 to "
        "1.29, Holm p < 0.001, n = 5).",
    ),
    "all equal, too few to tell": (
        {"relu": RELU, "elu": plus(0.5, 0.5, 0.5, 0.5, 0.5)},
        {},
        "At fixed hyper-parameters, no difference from the baseline relu was detected for elu "
        "(+0.50 points on every seed).",
    ),
    "all equal to the image": (
        {"relu": RELU, "elu": RELU},
        {},
        "At fixed hyper-parameters, no difference from the baseline relu was detected for elu "
        "(0.00 points on every seed).",
    ),
    "one seed": (
        {"relu": [98.0], "elu": [98.5]},
        {},
        "No verdict from n = 1: a test needs at least three seeds; the differences from relu are "
        "elu +0.50 points.",
    ),
    "two seeds": (
        {"relu": [98.0, 98.2], "elu": [98.5, 98.1]},
        {},
        "No verdict from n = 2: a test needs at least three seeds; the differences from relu are "
        "elu +0.50 and -0.10 points.",
    ),
    "nothing to compare": (
        {"relu": [98.0, 98.2, 98.1]},
        {},
        "No verdict: there is nothing to compare; relu has a mean of 98.10 % (n = 3).",
    ),
    "a crash leaves a pair out": (
        {"relu": RELU, "elu": [*plus(1.2, 1.3, 1.1, 1.2), FAILED]},
        {},
        "At fixed hyper-parameters, elu beats the baseline relu by 1.20 points (95 % CI 1.07 to "
        "1.33, Holm p < 0.001, n = 4); pairs left out because a trial has no result: elu (1).",
    ),
    "a divergence counts": (
        {"relu": RELU, "elu": [*plus(1.2, 1.3, 1.1, 1.2), DIVERGED]},
        {},
        "At fixed hyper-parameters, no difference from the baseline relu was detected for elu "
        "(95 % CI -5.75 to 4.47 points, unreliable); minimum detectable difference: about 6.92 "
        "points (80 % power); diverged trials are counted for elu (1 of 5), so intervals that "
        "include them are unreliable; with converged trials only, the difference is +1.20 points "
        "for elu (n = 4; -0.64 with all 5).",
    ),
    "best, alone": (
        {"relu": RELU, "elu": plus(1.2, 1.3, 1.1, 1.2, 1.2)},
        {"kind": "best"},
        "At fixed hyper-parameters, elu is best (99.32 %, chosen as the highest of 2); elu beats "
        "relu by 1.20 points (95 % CI 1.11 to 1.29, Holm p < 0.001, n = 5).",
    ),
    "best, lowest": (
        {"relu": RELU, "elu": plus(1.2, 1.3, 1.1, 1.2, 1.2)},
        {"kind": "best", "goal": "min"},
        "At fixed hyper-parameters, relu is best (98.12 %, chosen as the lowest of 2); relu beats "
        "elu by 1.20 points (95 % CI 1.11 to 1.29, Holm p < 0.001, n = 5).",
    ),
    "best, undecided": (
        {"relu": RELU, "elu": plus(0.3, -0.2, 0.1, 0.4, -0.1)},
        {"kind": "best"},
        "At fixed hyper-parameters, no difference was detected between the leader elu and relu; "
        "elu has the highest mean (98.22 %, chosen as the highest of 2); differences from it: "
        "relu (95 % CI -0.42 to 0.22 points); minimum detectable difference: about 0.43 points "
        "(80 % power).",
    ),
    "equivalent": (
        {"relu": RELU, "elu": plus(*CLOSE)},
        EQUIVALENCE,
        "At fixed hyper-parameters, elu (90 % CI -0.04 to 0.05 points, Holm p < 0.001, n = 5) is "
        "equivalent to the baseline relu within 0.50 points.",
    ),
    "two equivalent": (
        {"relu": RELU, "elu": plus(*CLOSE), "tanh": plus(*CLOSE)},
        EQUIVALENCE,
        "At fixed hyper-parameters, elu (Holm-adjusted 90 % CI -0.05 to 0.06 points, "
        "Holm p < 0.001, n = 5) and tanh (Holm-adjusted 90 % CI -0.04 to 0.05 points, "
        "Holm p < 0.001, n = 5) are equivalent to the baseline relu within 0.50 points; p is "
        "adjusted by Holm's method over 2 contrasts.",
    ),
    "different": (
        {"relu": RELU, "elu": plus(-1.2, -1.3, -1.1, -1.2, -1.2)},
        EQUIVALENCE,
        "At fixed hyper-parameters, elu (1.20 points lower; 95 % CI -1.29 to -1.11, "
        "Holm p < 0.001, n = 5) differs from the baseline relu by more than 0.50 points.",
    ),
    "undecided": (
        {"relu": RELU, "elu": plus(*APART)},
        EQUIVALENCE,
        "At fixed hyper-parameters, equivalence to the baseline relu within 0.50 points is "
        "undecided for elu (90 % CI -0.40 to 0.64 points, Holm p 0.098, n = 5); detectable "
        "margin: about 0.88 points (80 % power if there is no difference).",
    ),
    "equivalent to the image": (
        {"relu": RELU, "elu": RELU},
        EQUIVALENCE,
        "At fixed hyper-parameters, elu (0.00 points on every seed, Holm p 0.031, n = 5) is "
        "equivalent to the baseline relu within 0.50 points.",
    ),
    "equivalence of two seeds": (
        {"relu": RELU[:2], "elu": RELU[:2]},
        EQUIVALENCE,
        "No verdict from n = 2: a test needs at least three seeds; the differences from relu are "
        "elu 0.00 and 0.00 points.",
    ),
    "equivalence where a trial diverged": (
        {"relu": RELU, "elu": [*plus(*CLOSE[:4]), DIVERGED]},
        EQUIVALENCE,
        "At fixed hyper-parameters, equivalence to the baseline relu within 0.50 points is "
        "undecided for elu (90 % CI -5.00 to 1.84 points, unreliable, Holm p 0.73, n = 5); "
        "detectable margin: about 5.74 points (80 % power if there is no difference); diverged "
        "trials are counted for elu (1 of 5), so intervals that include them are unreliable; with "
        "converged trials only, the difference is +0.02 points for elu (n = 4; -1.58 with all 5).",
    ),
    "equivalence without a margin": (
        {"relu": RELU, "elu": RELU},
        {"kind": "equivalence"},
        "No verdict: equivalence needs a margin that was stated before training; relu has a mean "
        "of 98.12 % (n = 5); elu has a mean of 98.12 % (n = 5).",
    ),
    "factors that are no grid": (
        {"relu": RELU, "elu": RELU},
        {"kind": "factors"},
        "No verdict: the variants are not a grid of two axes; relu has a mean of 98.12 % (n = 5); "
        "elu has a mean of 98.12 % (n = 5).",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_sentence(case):
    outcomes, more, expected = SENTENCES[case]
    assert say(outcomes, **more) == typeset(expected)


@pytest.mark.parametrize("case", ["beats", "open", "a divergence counts"])
def test_the_sentence_has_the_numbers_of_scipy(case):
    outcomes, _, sentence = SENTENCES[case]
    values = [[f if isinstance(f, float) else f[1] for f in outcomes[v]] for v in ("elu", "relu")]
    test = stats.ttest_rel(*values)
    low, high = test.confidence_interval()
    assert f"{low:.2f} to {high:.2f}" in sentence
    assert ("beats" in sentence) == (test.pvalue <= 0.05)


@pytest.mark.parametrize("case", ["equivalent", "different", "undecided"])
def test_the_sentence_has_the_numbers_of_statsmodels(case):
    outcomes, _, sentence = SENTENCES[case]
    elu, relu = (np.array(outcomes[v]) for v in ("elu", "relu"))
    p, _, _ = ttost_paired(elu, relu, -0.5, 0.5)
    level = 0.95 if case == "different" else 0.9
    low, high = stats.ttest_rel(elu, relu).confidence_interval(level)
    assert f"{low:.2f} to {high:.2f}" in sentence
    assert ("is equivalent" in sentence) == (p <= 0.05)
    assert ("differs" in sentence) == (low > 0.5 or high < -0.5)


def test_six_equal_differences_are_enough_for_the_sign_flip():
    outcomes = {"relu": [90, 91, 92, 93, 94, 95], "elu": [91, 92, 93, 94, 95, 96]}
    assert "by 1.00 points (the same on every seed, Holm p 0.031, n = 6)" in say(outcomes)


def test_a_tie_is_a_tie_although_its_floats_differ():
    outcomes = {
        "relu": [k / 3.6 for k in (350, 341, 352)],
        "elu": [k / 3.6 for k in (351, 342, 353)],
    }
    assert "points on every seed" in say(outcomes, images=360)
    assert "p < 0.001" not in say(outcomes, images=360)


def test_holm_corrects_over_the_family():
    weak = plus(0.3, 0.1, 0.25, 0.05, 0.4)  # p 0.030 alone
    alone, among = say({"relu": RELU, "a": weak}), say({"relu": RELU, "a": weak, "b": weak})
    assert "a beats the baseline relu" in alone
    assert "beats" not in among


def test_detected_differences_among_the_variants_that_the_leader_does_not_beat_are_named():
    """The leader varies much and beats nobody; of the others one beats the other."""
    outcomes = {
        "relu": RELU,
        "elu": plus(-0.5, -0.52, -0.48, -0.5, -0.51),
        "selu": plus(3.0, -2.0, 2.5, -1.0, 1.0),
    }
    sentence = say(outcomes, kind="best")
    assert "between the leader selu and relu and elu; among the latter, relu beats elu by " in (
        sentence
    )
    assert "0.50 points (Holm-adjusted 95 % CI" in sentence
    one = say({v: outcomes[v] for v in ("relu", "selu")}, kind="best")
    assert "among the latter" not in one


def test_a_variant_that_is_equivalent_only_without_holm_is_named():
    """p is 0.030 for one of two: enough alone, and not at Holm's step."""
    near = (0.3, -0.45, 0.28, -0.3, 0.4)
    outcomes = {"relu": RELU, "elu": plus(*near), "tanh": plus(*[-x for x in near])}
    alone = say({v: outcomes[v] for v in ("relu", "elu")}, **EQUIVALENCE)
    assert "elu (90 % CI" in alone
    assert "is equivalent" in alone
    both = say(outcomes, **EQUIVALENCE)
    assert "is undecided for elu (Holm-adjusted 90 % CI" in both
    assert "the unadjusted 90 % CI lies within the margin for elu" in both
    assert "adjusted by Holm's method over 2 contrasts" in both


def test_best_never_says_best_against_a_baseline():
    assert "best" not in say({"relu": RELU, "elu": plus(1.2, 1.3, 1.1, 1.2, 1.2)})


@pytest.mark.parametrize("case", SENTENCES)
def test_no_sentence_claims_too_much(case):
    outcomes, more, _ = SENTENCES[case]
    assert not re.search(r"prove|no effect|significan", say(outcomes, **more))


def test_the_order_of_rows_does_not_matter():
    table = rows(
        {"relu": RELU, "elu": plus(0.3, -0.2, 0.1, 0.4, -0.1), "tanh": plus(1, 1, 2, 1, 1)}
    )
    question = spec(["relu", "elu", "tanh"])
    expected = verdict(analyze_rows(table, question)).sentence
    for step in (3, 7, 11):
        shuffled = [table[i * step % len(table)] for i in range(len(table))]
        if len({id(r) for r in shuffled}) == len(table):
            assert verdict(analyze_rows(shuffled, question)).sentence == expected
    assert verdict(analyze_rows(table[::-1], question)).sentence == expected


def test_pairs_are_by_seed_identity():
    table = rows({"relu": RELU, "elu": plus(0.3, -0.2, 0.1, 0.4, -0.1)})
    missing = [r for r in table if (r.variant, r.seed) not in {("relu", 0), ("elu", 4)}]
    (contrast,) = compare(missing, spec(["relu", "elu"])).family
    assert contrast.differences == pytest.approx([-0.002, 0.001, 0.004])
    assert contrast.left_out == 2


@pytest.mark.parametrize("pending", ["running", "stopped", "new", "absent"])
def test_there_is_no_verdict_before_every_trial_is_settled(pending):
    table = rows({"relu": RELU, "elu": [*plus(1.2, 1.3, 1.1, 1.2), (pending, None)]})
    found = verdict(analyze(plan(table), table))
    assert found.sentence == "No verdict yet: 9 of 10 trials are done."
    assert not found.is_given


def test_an_extended_sweep_shows_the_verdict_at_both_sizes():
    gains = (0.3, 0.1, 0.25, 0.05, 0.4)
    table = rows({"relu": RELU, "elu": plus(*gains)})
    table.sort(key=lambda r: r.seed)
    sentence = verdict(analyze(plan(table, first=6), table)).sentence
    assert "elu beats the baseline relu" in sentence
    assert "extended from 6 to 10 trials; as first planned, the verdict was: At fixed" in sentence
    assert sentence.endswith("(80 % power).")


def test_a_question_that_changed_after_planning_shows_both_verdicts():
    table = rows({"relu": RELU, "elu": plus(*CLOSE)})
    first = plan(table, kind="equivalence", margin=0.0001)
    second = Part("extension", 1.0, "", replace(first.spec, margin=0.005), (), {})
    sentence = verdict(analyze(Plan("x", (*first.parts, second)), table)).sentence
    assert "is equivalent to the baseline relu within 0.50 points; the question" in sentence
    assert "was changed after planning; as first planned, the verdict was: " in sentence
    assert "within 0.01 points is undecided" in sentence
    (notice,) = notices(Plan("x", (*first.parts, second)), table)
    assert notice.startswith("The question was changed on")


def test_a_side_with_diverged_trials_without_a_value_is_not_called_better():
    better, worse = plus(1.2, 1.3, 1.1, 1.2), plus(-1.2, -1.3, -1.1, -1.2)
    gone = ("diverged", None)
    sentence = say({"relu": RELU, "elu": [*better, gone]})
    assert "no difference from the baseline relu was detected for elu" in sentence
    assert "(95 % CI 1.07 to 1.33 points, counted trials only)" in sentence
    assert (
        "diverged trials without a value of test/accuracy are not counted for elu (1 of 5)"
        in sentence
    )
    assert "pairs left out because a trial has no result: elu (1)" in sentence
    assert "the baseline relu beats elu" in say({"relu": RELU, "elu": [*worse, gone]})
    assert "beats" not in say({"relu": [*RELU[:4], gone], "elu": plus(-1.2, -1.3, -1.1, -1.2, -1)})
    assert "is undecided" in say({"relu": RELU, "elu": [*RELU[:4], gone]}, **EQUIVALENCE)


def test_beats_needs_all_trials_that_trained():
    """Without the diverged trial it would be far ahead; counting it, no difference is detected."""
    gains = plus(0.5, 0.5, 0.4, 0.6, 0.5)
    assert "elu beats" in say({"relu": RELU, "elu": gains})
    assert "beats" not in say({"relu": RELU, "elu": [*gains[:4], ("diverged", 10.0)]})


def test_an_interval_with_a_diverged_trial_is_marked_also_of_a_detected_difference():
    lost = [("diverged", v) for v in (10.0, 10.0, 10.0, 10.1, 10.0)]
    sentence = say({"relu": RELU, "elu": lost})
    assert re.search(r"beats elu by 88.10 points \(95 % CI [\d. to]+, unreliable, Holm p", sentence)
    assert "not known for elu" in sentence


def test_of_many_variants_the_first_are_listed_and_the_others_counted():
    outcomes = {"relu": RELU} | {f"v{i}": plus(0.3, -0.2, 0.1, 0.4, -0.1) for i in range(20)}
    assert "and 13 more; minimum detectable difference: about" in say(outcomes)


def test_a_variant_without_enough_pairs_neither_leads_nor_loses():
    outcomes = {"relu": RELU, "elu": plus(1.2, 1.3, 1.1, 1.2, 1.2), "dead": [FAILED] * 5}
    sentence = say(outcomes, kind="best")
    assert "elu is best (99.32 %, chosen as the highest of 3)" in sentence
    assert "not tested: dead (no pair of trials is left)" in sentence
    assert "not tested: dead" in say(outcomes)
    few = outcomes | {"dead": [98.0, 98.1, FAILED, FAILED, FAILED]}
    assert "not tested: dead (0.00 and -0.10 points" in say(few).replace(MINUS, "-")


def test_a_leader_that_lacks_the_hard_seeds_is_not_called_best():
    """Its failed trials are on the seeds that are hard for all; on shared seeds it is worse."""
    outcomes = {"relu": [98.0, 98.2, 98.1, 90.0, 90.0], "elu": [97.0, 97.3, 97.1, FAILED, FAILED]}
    sentence = say(outcomes, kind="best")
    assert "elu has the highest mean (97.13 %, chosen as the highest of 2), but on the" in sentence
    assert "seeds that both have relu beats it by 0.97 points" in sentence
    assert "best" not in sentence.replace("At fixed", "")
