"""The verdicts on two factors."""

import re

import numpy as np
import pytest
from tables_by_hand import DIVERGED, RELU, analyze_rows, plus, rows, spec, typeset

from ablab.report.text.verdict import verdict

SETTINGS = [{"normalization": a, "dropout": b} for a in ("none", "batch") for b in ("none", "half")]
CELLS = [" · ".join(s.values()) for s in SETTINGS]
HALF, BATCH = plus(0.5, 0.4, 0.6, 0.5, 0.45), plus(1, 1.1, 0.9, 1.05, 1)
SENTENCES = {
    "effects that add up": (
        (RELU, HALF, BATCH, plus(1.5, 1.45, 1.52, 1.6, 1.4)),
        "At fixed hyper-parameters, normalization: batch raises test accuracy by 1.01 points "
        "(Holm-adjusted 95 % CI 0.88 to 1.13, Holm p < 0.001, n = 5) compared with normalization: "
        "none, averaged over dropout; dropout: half raises test accuracy by 0.49 points "
        "(Holm-adjusted 95 % CI 0.34 to 0.63, Holm p < 0.001, n = 5) compared with dropout: none, "
        "averaged over normalization; no interaction was detected for normalization × dropout "
        "(Holm-adjusted 95 % CI -0.06 to 0.05 points); minimum detectable difference: about 0.10 "
        "points (80 % power).",
    ),
    "an interaction": (
        (RELU, HALF, BATCH, plus(0.2, 0.1, 0.3, 0.15, 0.2)),
        "At fixed hyper-parameters, normalization: batch raises test accuracy by 0.35 points "
        "(Holm-adjusted 95 % CI 0.30 to 0.41, Holm p < 0.001, n = 5) compared with normalization: "
        "none, averaged over dropout; dropout: half lowers test accuracy by 0.17 points "
        "(Holm-adjusted 95 % CI 0.03 to 0.30, Holm p 0.027, n = 5) compared with dropout: none, "
        "averaged over normalization; normalization and dropout interact: the effect of dropout: "
        "half versus none is lower by 1.31 points (Holm-adjusted 95 % CI 1.15 to 1.47, "
        "Holm p < 0.001, n = 5) with normalization: batch than with none, and has the same sign "
        "on log odds.",
    ),
    "nothing detected": (
        (RELU, plus(0.1, -0.2, 0.1, -0.1, 0), plus(0.2, -0.2, 0.1, -0.1, 0.1), RELU),
        "At fixed hyper-parameters, no average difference was detected between normalization: "
        "batch and none (Holm-adjusted 95 % CI -0.03 to 0.07 points) and dropout: half and none "
        "(-0.07 to 0.03 points); no interaction was detected for normalization × dropout "
        "(Holm-adjusted 95 % CI -0.52 to 0.52 points); minimum detectable difference: about 0.06 "
        "to 0.67 points, by effect (80 % power).",
    ),
    "two seeds": (
        (RELU[:2], RELU[:2], RELU[:2], plus(0.1, 0.2)),
        "No verdict from n = 2: a test needs at least three seeds; the effects are normalization: "
        "batch +0.05 and +0.10 points, dropout: half +0.05 and +0.10 points, normalization × "
        "dropout +0.10 and +0.20 points.",
    ),
}


def say(*outcomes):
    variants = dict(zip(CELLS, SETTINGS, strict=True))
    question = spec(CELLS, kind="factors", baseline=CELLS[0], variants=variants)
    return verdict(analyze_rows(rows(dict(zip(CELLS, outcomes, strict=True))), question)).sentence


@pytest.mark.parametrize("case", SENTENCES)
def test_sentence(case):
    outcomes, expected = SENTENCES[case]
    assert say(*outcomes) == typeset(expected)


@pytest.mark.parametrize("case", SENTENCES)
def test_no_sentence_claims_too_much(case):
    assert not re.search(r"prove|no effect|significan|unnecessary", SENTENCES[case][-1])


def test_an_interaction_with_another_sign_on_log_odds_is_called_a_possible_artifact():
    bare, half, batch, both = (
        [70, 71, 69, 70.5, 70.2],
        [80, 81, 79, 80.4, 80.2],
        [98, 98.1, 97.9, 98, 98],
        [99.3, 99.2, 99.4, 99.3, 99.3],
    )
    sentence = say(bare, half, batch, both)
    assert "interact: the effect of dropout: half versus none is lower by 8.68 points" in sentence
    assert "but does not have the same sign on log odds: near the ceiling" in sentence


def test_diverged_trials_are_reported_by_effect():
    sentence = say(RELU, HALF, BATCH, [*plus(1.5, 1.45, 1.52, 1.6), DIVERGED])
    assert "batch · half (1 of 5)" in sentence
    assert typeset("+1.01 points for normalization: batch (n = 4; +0.07 with all 5)") in sentence


def test_of_many_effects_the_first_are_listed_and_the_others_counted():
    levels = [str(i) for i in range(6)]
    cells = {f"{a} · {b}": {"x": a, "y": b} for a in levels for b in levels}
    noise = np.random.default_rng(7).normal(0, 0.01, (36, 10))
    outcomes = {
        name: [round(60 + int(s["x"]) * int(s["y"]) + e, 2) for e in own]
        for (name, s), own in zip(cells.items(), noise, strict=True)
    }
    question = spec(cells, kind="factors", baseline="0 · 0", variants=cells)
    sentence = verdict(analyze_rows(rows(outcomes), question)).sentence
    assert sentence.count(" raises ") == 7
    assert sentence.count(" interact: ") == 7
    assert "and 18 more such effects were detected" in sentence
