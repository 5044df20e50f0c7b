"""The verdicts of sweeps that look at growing numbers of seeds."""

import re

import numpy as np
import pytest
from looks_by_hand import accuracies, grow, looks
from tables_by_hand import analyze_rows, rows, spec, typeset

from ablab.report.text.limitations import reliability
from ablab.report.text.provenance import notices, provenance
from ablab.report.text.verdict import verdict
from ablab.tracking.plan import Cell, Part, Plan

FUTILE = looks(futility=0.1)


def say(outcomes, **more):
    table, question, _ = grow(outcomes, **(FUTILE | more))
    return verdict(analyze_rows(table, question)).sentence


def test_a_sweep_with_looks_says_at_which_look_each_contrast_ended():
    outcomes = accuracies(np.random.default_rng(3), [0, 0.1, 4, -20.2, 1.2])
    sentence = say(outcomes)
    assert "decided at look 2 of 4 (n = 10): v2 and v3; decided at look 3 of 4 (n = 15): v4" in (
        sentence
    )
    assert sentence.endswith("undecided at the last look 4 of 4 (n = 20): v1.")
    assert typeset("Holm-adjusted 95 % repeated CI") in sentence


def test_a_contrast_that_futility_stopped_is_said_to_be():
    sentence = say({"relu": [98.0 + s / 50 for s in range(20)], "v1": [98.2, 98.0] * 10})
    found = re.search(r"stopped for futility at look (\d) of 4 \(n = (\d+)\): v1\.$", sentence)
    assert found
    assert int(found[2]) == 5 * int(found[1]) < 20
    assert "no difference from the baseline relu was detected" in sentence


def test_best_names_what_another_than_the_leader_beats():
    """v3 stops since v2 beats it; then v1 becomes the leader."""
    generator = np.random.default_rng(2)
    outcomes = accuracies(generator, [0, 0, 0, 0], sd=0.1)
    noise = generator.normal(0, 0.002, 20)
    outcomes["v2"] = [98.3 + 0.01 * s for s in range(20)]
    outcomes["v3"] = [round(v - 0.2 + e, 3) for v, e in zip(outcomes["v2"], noise, strict=True)]
    outcomes["v1"] = [round(98.4 + x, 2) for x in generator.normal(0, 0.3, 20)]
    outcomes["relu"] = [80.0 + 0.3 * (s % 3) for s in range(20)]
    sentence = say(outcomes, kind="best", baseline="", **looks(spending="pocock"))
    assert "v2 beats v3 by 0.20 points" in sentence
    assert "beaten at look 2 of 4 (n = 10): v3" in sentence


@pytest.mark.parametrize("settled", [True, False])
def test_there_is_no_verdict_before_the_last_look_that_is_needed(settled):
    outcomes = {v: p[:5] for v, p in accuracies(np.random.default_rng(1), [0, 0.3, 300]).items()}
    if not settled:
        outcomes["v1"][4] = ("running", None)
    question = spec(outcomes, **looks(spending="pocock"))
    given = verdict(analyze_rows(rows(outcomes), question))
    assert not given.is_given
    assert given.sentence == (
        "No verdict yet: look 1 of 4 (n = 5) is done, and relu and v1 go on to n = 10."
        if settled
        else "No verdict yet: 14 of 15 trials are done."
    )


def test_reliability_says_how_p_and_intervals_are_adjusted():
    table, question, _ = grow(accuracies(np.random.default_rng(1), [0, 0.3, 30]), **FUTILE)
    lines = reliability(analyze_rows(table, question).main, tested=True, tuned=False)
    (line,) = [line for line in lines if line.startswith("The sweep looked at")]
    assert "n = 5, 10, 15 and 20 at most" in line
    assert "O'Brien-Fleming" in line
    assert "below 0.1; no error rate depends on that" in line


def test_looks_are_no_extension_of_the_plan():
    table, question, _ = grow(accuracies(np.random.default_rng(1), [0, 0.3, 30]))
    parts = [
        Part(kind, time, "ablab sweep x", question, cells, {})
        for kind, time, cells in (
            ("comparison", 0.0, [r for r in table if r.seed < 5]),
            ("look", 1.0, [r for r in table if r.seed >= 5]),
        )
        for cells in [tuple(Cell(r.variant, r.seed, r.block, r.key) for r in cells)]
    ]
    plan = Plan("x", tuple(parts))
    assert notices(plan, table) == []
    assert [value for label, value in provenance(plan, table) if label == "Command"] == [
        "ablab sweep x"
    ]
