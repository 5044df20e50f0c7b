"""The sentences on the reliability of a report."""

from dataclasses import replace

from tables_by_hand import CLOSE, DIVERGED, EQUIVALENCE, RELU, analyze_rows, plus, rows, spec
from test_verdict_factors import BATCH, CELLS, HALF, SETTINGS

from ablab.report.text.limitations import reliability


def sentences_of(table, question, *, tested=True):
    found = analyze_rows(table, question)
    effects = found.main.factors.effects if found.main.factors else ()
    return " ".join(reliability(found.main, effects, tested=tested, tuned=False))


def test_the_family_and_its_level_are_named():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE), "tanh": plus(*CLOSE)}
    text = sentences_of(rows(outcomes), spec(outcomes))
    assert "at level 0.05: the p-value of the paired t test, corrected over a family of 2" in text
    assert "(80 % power at level 0.05/2)" in text
    assert "smallest possible sign-flip p for n = 5 after Holm is 0.12, which is above 0.05" in text


def test_equivalence_names_its_own_test():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE)}
    text = sentences_of(rows(outcomes), spec(outcomes, **EQUIVALENCE))
    assert "Two one-sided t tests at level 0.05 against the margin of 0.50 points decide" in text
    assert (
        "the detectable margin is about 0.08 points (80 % power if there is no difference)" in text
    )
    assert "sign-flip" not in text


def test_the_family_of_two_factors_is_their_effects():
    variants = dict(zip(CELLS, SETTINGS, strict=True))
    question = spec(CELLS, kind="factors", baseline=CELLS[0], variants=variants)
    outcomes = dict(zip(CELLS, (RELU, HALF, BATCH, [*BATCH[:4], DIVERGED]), strict=True))
    text = sentences_of(rows(outcomes), question)
    assert "over a family of 3" in text
    assert "by effect (80 % power at level 0.05/3)" in text
    assert "for normalization × dropout (n = 4" in text


def test_over_blocks_n_counts_seeds():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE)}
    table = [r for b in ("a", "b", "c") for r in rows(outcomes, block=b)]
    text = sentences_of(table, spec(outcomes))
    assert "first averaged over the 3 blocks within each seed, so n counts seeds" in text
    assert (
        "0 of 15 trials diverged for relu and elu each: the true divergence rate may be up to 18 %"
        in text
    )


def test_only_variants_without_divergence_have_a_bound():
    outcomes = {"relu": RELU, "elu": [*plus(1, 1, 1, 2), DIVERGED]}
    text = sentences_of(rows(outcomes), spec(outcomes))
    assert "0 of 5 trials diverged for relu: the true divergence rate may be up to 45 %" in text
    assert "diverged for elu" not in text


def test_without_a_verdict_no_test_is_mentioned():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE)}
    assert "Holm p decides" not in sentences_of(rows(outcomes), spec(outcomes), tested=False)


def test_a_note_on_the_data_appears_once():
    outcomes = {"relu": RELU, "elu": plus(*CLOSE)}
    notes = ("Of 10,000 test images 500 are used (data.test_images).",)
    table = [replace(row, metadata={"data_notes": notes}, total=500) for row in rows(outcomes)]
    text = sentences_of(table, spec(outcomes))
    assert "on this test set of 500 images" in text
    assert text.count(notes[0]) == 1
