"""The verdicts over several blocks."""

import re

import numpy as np
import pytest
from scipy import stats
from tables_by_hand import (
    EQUIVALENCE,
    FAILED,
    RELU,
    analyze_rows,
    plus,
    rows,
    spec,
    tuned_with,
    typeset,
)

from ablab.report.text.verdict import verdict

AHEAD, BEHIND = plus(1.2, 1.3, 1.1, 1.2, 1.2), plus(-1.2, -1.1, -1.3, -1.2, -1.25)
LITTLE, LESS = plus(0.2, 0.1, 0.3, 0.2, 0.25), plus(-0.2, -0.1, -0.3, -0.2, -0.25)
ONLY = "; the result applies to these 2 blocks only"
SENTENCES = {
    "beats": (
        ({"relu": RELU, "elu": AHEAD}, {"relu": RELU, "elu": LITTLE}),
        {},
        "At fixed hyper-parameters, averaged over 2 blocks, elu beats the baseline relu by 0.71 "
        f"points (95 % CI 0.69 to 0.72, Holm p < 0.001, n = 5){ONLY}.",
    ),
    "blocks that contradict each other": (
        ({"relu": RELU, "elu": AHEAD}, {"relu": RELU, "elu": BEHIND}),
        {},
        "At fixed hyper-parameters, averaged over 2 blocks, no difference from the baseline relu "
        "was detected for elu (95 % CI -0.09 to 0.08 points); minimum detectable difference: "
        f"about 0.12 points (80 % power){ONLY}; within single blocks (Holm over all 2 variant × "
        "block cells), elu is better than relu in d0 × mlp and elu is worse than relu in d1 × "
        "mlp.",
    ),
    "best": (
        ({"relu": RELU, "elu": AHEAD}, {"relu": RELU, "elu": LESS}),
        {"kind": "best"},
        "At fixed hyper-parameters, averaged over 2 blocks, elu is best (98.61 %, chosen as the "
        "highest of 2); elu beats relu by 0.50 points (95 % CI 0.41 to 0.58, Holm p < 0.001, "
        f"n = 5){ONLY}; within single blocks (Holm over all 2 variant × block cells), relu is "
        "better than elu in d1 × mlp.",
    ),
    "equivalent on average alone": (
        ({"relu": RELU, "elu": AHEAD}, {"relu": RELU, "elu": BEHIND}),
        EQUIVALENCE,
        "At fixed hyper-parameters, averaged over 2 blocks, elu (90 % CI -0.07 to 0.06 points, "
        f"Holm p < 0.001, n = 5) is equivalent to the baseline relu within 0.50 points{ONLY}; "
        "within single blocks (Holm over all 2 variant × block cells), elu is different from relu "
        "in d0 × mlp and d1 × mlp.",
    ),
    "a variant that one block lacks": (
        ({"relu": RELU, "elu": AHEAD}, {"relu": RELU}),
        {},
        "At fixed hyper-parameters, averaged over 2 blocks, elu beats the baseline relu by 1.20 "
        f"points (95 % CI 1.11 to 1.29, Holm p < 0.001, n = 5){ONLY}; not in all blocks: elu (1 of "
        "2).",
    ),
    "a crash leaves the seed out in all blocks": (
        ({"relu": RELU, "elu": AHEAD}, {"relu": RELU, "elu": [*LITTLE[:4], FAILED]}),
        {},
        "At fixed hyper-parameters, averaged over 2 blocks, no difference from the baseline relu "
        f"was detected for elu (+0.70 points on every seed){ONLY}; within single blocks (Holm over "
        "all 2 variant × block cells), elu is better than relu in d0 × mlp and d1 × mlp; pairs "
        "left out because a trial has no result: elu (1).",
    ),
}


def findings(*outcomes, **more):
    table = [r for i, f in enumerate(outcomes) for r in rows(f, block=f"d{i} × mlp")]
    return analyze_rows(table, spec(list(outcomes[0]), **more))


@pytest.mark.parametrize("case", SENTENCES)
def test_sentence(case):
    outcomes, more, expected = SENTENCES[case]
    assert verdict(findings(*outcomes, **more)).sentence == typeset(expected)


@pytest.mark.parametrize("case", SENTENCES)
def test_no_sentence_claims_too_much(case):
    assert not re.search(r"prove|no effect|significan|everywhere|always", SENTENCES[case][-1])


def test_the_sentence_has_scipys_figures():
    outcomes, _, sentence = SENTENCES["beats"]
    differences = np.mean([np.subtract(f["elu"], f["relu"]) for f in outcomes], axis=0)
    low, high = stats.ttest_1samp(differences, 0).confidence_interval()
    assert f"{low:.2f} to {high:.2f}" in sentence


def test_a_tuned_sweep_names_its_budget_and_the_blocks():
    outcomes, _, _ = SENTENCES["beats"]
    tune = tuned_with(20, [9000, 9001])
    assert verdict(findings(*outcomes, tune=tune)).sentence.startswith(
        "Tuned with 20 trials on 2 seeds each, averaged over 2 blocks, elu"
    )


def test_without_enough_seeds_there_is_no_verdict_however_many_blocks():
    few = {"relu": RELU[:2], "elu": AHEAD[:2]}
    found = verdict(findings(few, few, few, few))
    assert found.sentence.startswith("No verdict from n = 2")
    assert not found.is_given
