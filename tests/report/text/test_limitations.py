"""What a report says of its own certainty."""

from dataclasses import replace

from tables_by_hand import CLOSE, DIVERGED, EQUIVALENCE, RELU, plus, rows, spec
from test_verdict_factors import BATCH, CELLS, HALF, SETTINGS

from ablab.report.analysis.find import find
from ablab.report.text.limitations import reliability


def told(table, question, *, tested=True):
    found = find(table, question)
    effects = found.factors.effects if found.factors else ()
    return " ".join(reliability(found.decisive, effects, tested=tested, tuned=False))


def test_the_family_and_its_level_are_named():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE), "tanh": plus(*CLOSE)}
    text = told(rows(outcomes), spec(outcomes))
    assert "over a family of 2, at 0.05; the test is the paired t test" in text
    assert "(at level 0.05/2)" in text
    assert "smallest sign-flip p of n = 5 after Holm is 0.12; it cannot reach 0.05" in text


def test_equivalence_names_its_own_test():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE)}
    text = told(rows(outcomes), spec(outcomes, **EQUIVALENCE))
    assert "Two one-sided t tests at 0.05 against the margin of 0.50 points decide" in text
    assert "a margin of about 0.08 points would be shown 4 times in 5" in text
    assert "sign-flip" not in text


def test_of_two_factors_the_effects_are_the_family():
    variants = dict(zip(CELLS, SETTINGS, strict=True))
    question = spec(CELLS, kind="factors", baseline=CELLS[0], variants=variants)
    outcomes = dict(zip(CELLS, (RELU, HALF, BATCH, [*BATCH[:4], DIVERGED]), strict=True))
    text = told(rows(outcomes), question)
    assert "over a family of 3" in text
    assert "by effect, would be found 4 times in 5 (at level 0.05/3)" in text
    assert "for normalization × dropout (n = 4" in text


def test_over_blocks_n_counts_seeds():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE)}
    table = [r for b in ("a", "b", "c") for r in rows(outcomes, block=b)]
    text = told(table, spec(outcomes))
    assert "averaged over the 3 blocks within each seed first, so n counts seeds" in text
    assert "0 of 15 trials diverged of relu and elu: a true rate of up to 18 %" in text


def test_none_diverged_has_a_bound_and_some_have_none():
    outcomes = {"relu": RELU, "elu": [*plus(1, 1, 1, 2), DIVERGED]}
    text = told(rows(outcomes), spec(outcomes))
    assert "0 of 5 trials diverged of relu: a true rate of up to 45 % is not ruled out" in text
    assert "diverged of elu" not in text


def test_without_a_verdict_no_test_is_told():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE)}
    assert "Holm p decides" not in told(rows(outcomes), spec(outcomes), tested=False)


def test_what_is_known_of_the_data_is_said_once():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE)}
    notes = ("Of 10,000 test images 500 are used (data.test_images).",)
    table = [replace(row, metadata={"data_notes": notes}, total=500) for row in rows(outcomes)]
    text = told(table, spec(outcomes))
    assert "on this test set of 500 images" in text
    assert text.count(notes[0]) == 1
