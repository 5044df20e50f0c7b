"""The sentences, from tables made by hand; an accuracy is given as per cent of 10,000 images."""

import re

import pytest
from scipy import stats

from ablab.report.analysis import analyse
from ablab.report.comparison import compare
from ablab.report.findings import find
from ablab.report.table import Row
from ablab.report.unit import MINUS
from ablab.report.verdict import answer
from ablab.tracking.plan import Cell, Part, Plan

IMAGES = 10_000


def row(variant, seed, fate, block="digits × mlp", images=IMAGES):
    outcome, value = ("finished", fate) if isinstance(fate, int | float) else fate
    return Row(
        variant=variant,
        seed=seed,
        block=block,
        key=f"{variant}-{seed}",
        outcome=outcome,
        value=float("nan") if value is None else value / 100,
        total=images,
        reason="",
        figures={},
        curve=(),
        times=(),
        environment={},
        data_hash="",
    )


def rows(fates, **kwargs):
    return [row(v, s, fate, **kwargs) for v, per in fates.items() for s, fate in enumerate(per)]


def spec(variants, **more):
    base = {"question": "?", "kind": "versus_baseline", "metric": "test/accuracy", "goal": "max"}
    return base | {"baseline": "relu", "variants": {v: {} for v in variants}} | more


def plan(table, *, first=None, **more):
    variants = list(dict.fromkeys(r.variant for r in table))
    cells = [Cell(r.variant, r.seed, r.block, r.key) for r in table]
    cut = len(cells) if first is None else first
    parts = [
        Part("comparison", 0.0, "ablab sweep x", spec(variants, **more), tuple(cells[:cut]), {})
    ]
    if first is not None:
        parts.append(
            Part("extension", 1.0, "ablab sweep x", spec(variants, **more), tuple(cells[cut:]), {})
        )
    return Plan("x", tuple(parts))


def say(fates, tuned=False, images=IMAGES, **more):
    return answer(find(rows(fates, images=images), spec(fates, **more)), tuned=tuned).sentence


RELU = [98.0, 98.2, 98.1, 98.3, 98.0]
FAILED, DIVERGED = ("failed", None), ("diverged", 90.0)


def typeset(sentence):
    return re.sub(r"(?<!\w)-(?=\d)", MINUS, sentence)


def plus(*gains):
    return [round(r + g, 4) for r, g in zip(RELU, gains, strict=False)]


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
        "(-0.22 to 0.42 points); about 0.43 points would be found 4 times in 5.",
    ),
    "tuned, less is better": (
        {"relu": RELU, "elu": plus(-1.2, -1.3, -1.1, -1.2, -1.2)},
        {"tuned": True, "goal": "min"},
        "elu beats the baseline relu by 1.20 points (95 % CI 1.11 to 1.29, Holm p < 0.001, n = 5).",
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
        "No verdict from n = 1: a test needs three seeds or more; the differences to relu were elu "
        "+0.50 points.",
    ),
    "two seeds": (
        {"relu": [98.0, 98.2], "elu": [98.5, 98.1]},
        {},
        "No verdict from n = 2: a test needs three seeds or more; the differences to relu were elu "
        "+0.50 and -0.10 points.",
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
        "1.33, Holm p < 0.001, n = 4); pairs left out because a trial has no result: 1 of elu.",
    ),
    "a divergence counts": (
        {"relu": RELU, "elu": [*plus(1.2, 1.3, 1.1, 1.2), DIVERGED]},
        {},
        "At fixed hyper-parameters, no difference from the baseline relu was detected for elu "
        "(-5.75 to 4.47 points, unreliable); about 6.92 points would be found 4 times in 5; trials "
        "diverged and are counted (1 of 5 of elu), so the intervals that they enter are "
        "unreliable; among the converged trials alone the difference is +1.20 points for elu "
        "(n = 4; -0.64 with all 5).",
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
    "best, not separated": (
        {"relu": RELU, "elu": plus(0.3, -0.2, 0.1, 0.4, -0.1)},
        {"kind": "best"},
        "At fixed hyper-parameters, elu and relu lead and are not separated: elu has the highest "
        "mean (98.22 %, chosen as the highest of 2), and no difference to it was detected for relu "
        "(-0.42 to 0.22 points); about 0.43 points would be found 4 times in 5.",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_sentence(case):
    fates, more, expected = SENTENCES[case]
    assert say(fates, **more) == typeset(expected)


@pytest.mark.parametrize("case", ["beats", "open", "a divergence counts"])
def test_the_sentence_has_scipys_figures(case):
    fates, _, sentence = SENTENCES[case]
    values = [[f if isinstance(f, float) else f[1] for f in fates[v]] for v in ("elu", "relu")]
    test = stats.ttest_rel(*values)
    low, high = test.confidence_interval()
    assert f"{low:.2f} to {high:.2f}" in sentence
    assert ("beats" in sentence) == (test.pvalue <= 0.05)


def test_six_equal_differences_are_enough_for_the_sign_flip():
    fates = {"relu": [90, 91, 92, 93, 94, 95], "elu": [91, 92, 93, 94, 95, 96]}
    assert "by 1.00 points (the same on every seed, Holm p 0.031, n = 6)" in say(fates)


def test_a_tie_is_a_tie_although_its_floats_differ():
    fates = {"relu": [k / 3.6 for k in (350, 341, 352)], "elu": [k / 3.6 for k in (351, 342, 353)]}
    assert "points on every seed" in say(fates, images=360)
    assert "p < 0.001" not in say(fates, images=360)


def test_holm_corrects_over_the_family():
    weak = plus(0.3, 0.1, 0.25, 0.05, 0.4)  # p 0.030 alone
    alone, among = say({"relu": RELU, "a": weak}), say({"relu": RELU, "a": weak, "b": weak})
    assert "a beats the baseline relu" in alone
    assert "beats" not in among


def test_best_never_says_best_against_a_baseline():
    assert "best" not in say({"relu": RELU, "elu": plus(1.2, 1.3, 1.1, 1.2, 1.2)})


@pytest.mark.parametrize("case", SENTENCES)
def test_no_sentence_claims_too_much(case):
    fates, more, _ = SENTENCES[case]
    assert not re.search(r"prove|no effect|significan", say(fates, **more))


def test_the_order_of_rows_does_not_matter():
    table = rows(
        {"relu": RELU, "elu": plus(0.3, -0.2, 0.1, 0.4, -0.1), "tanh": plus(1, 1, 2, 1, 1)}
    )
    question = spec(["relu", "elu", "tanh"])
    expected = answer(find(table, question)).sentence
    for step in (3, 7, 11):
        shuffled = [table[i * step % len(table)] for i in range(len(table))]
        if len({id(r) for r in shuffled}) == len(table):
            assert answer(find(shuffled, question)).sentence == expected
    assert answer(find(table[::-1], question)).sentence == expected


def test_pairs_are_by_seed_identity():
    table = rows({"relu": RELU, "elu": plus(0.3, -0.2, 0.1, 0.4, -0.1)})
    missing = [r for r in table if (r.variant, r.seed) not in {("relu", 0), ("elu", 4)}]
    (contrast,) = compare(missing, spec(["relu", "elu"])).family
    assert contrast.differences == pytest.approx([-0.002, 0.001, 0.004])
    assert contrast.left_out == 2


@pytest.mark.parametrize("pending", ["running", "stopped", "new", "absent"])
def test_there_is_no_verdict_before_every_trial_is_settled(pending):
    table = rows({"relu": RELU, "elu": [*plus(1.2, 1.3, 1.1, 1.2), (pending, None)]})
    found = analyse(plan(table), table).verdict
    assert found.sentence == "No verdict yet, still running: 9 of 10 trials are done."
    assert not found.is_given


def test_an_extended_sweep_shows_the_verdict_at_both_sizes():
    gains = (0.3, 0.1, 0.25, 0.05, 0.4)
    table = rows({"relu": RELU, "elu": plus(*gains)})
    table.sort(key=lambda r: r.seed)
    sentence = analyse(plan(table, first=6), table).verdict.sentence
    assert "elu beats the baseline relu" in sentence
    assert "extended from 6 to 10 trials, and as first planned it said: At fixed" in sentence
    assert sentence.endswith("would be found 4 times in 5.")
