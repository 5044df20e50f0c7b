"""What trials say about the expectations of a claim, checked by hand and against scipy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from tables_by_hand import row

from ablab.report.analysis.trials import Row
from ablab.report.claims.results import CONTRADICTED, NONE, OPEN, SUPPORTED, evaluate
from ablab.report.claims.verdict import claim_verdict, whole, with_second
from ablab.stats.paired import holm
from ablab.tracking.claim import Claim, read_claim
from ablab.tracking.plan import Cell, Part, Plan
from ablab.tracking.spec import Spec, read_spec

BASE = [0.5, 0.52, 0.49, 0.51, 0.505]
BETTER = [0.6, 0.63, 0.585, 0.605, 0.62]
CLOSE = [0.5005, 0.5195, 0.4902, 0.5101, 0.5049]
NOISY = [0.45, 0.6, 0.52, 0.41, 0.57]
Values = Mapping[str, Sequence[float]]


def table(values: Mapping[str, Values], block: str = "b") -> list[Row]:
    """Return rows of variants, each with one value per seed of several metrics."""
    rows = []
    for variant, own in values.items():
        metrics, seeds = list(own), range(len(next(iter(own.values()))))
        for seed in seeds:
            others = {m: (float(own[m][seed]), "") for m in metrics}
            rows.append(replace(row(variant, seed, 50.0, block), others=others))
    return rows


def claim_of(*expects: Mapping[str, Any], rule: str = "all", **more: Any) -> Claim:
    own = [{"metric": "test/loss", **each} for each in expects]
    return read_claim({"says": "x", "source": "S0", "expects": own, "rule": rule, **more})


def spec_of(variants: Mapping[str, Mapping[str, Any]], blocks: Sequence[str] = ("b",)) -> Spec:
    return read_spec({"variants": dict(variants), "blocks": {b: {} for b in blocks}})


def results_of(
    rows: Sequence[Row], *expects: Mapping[str, Any], variants: Mapping[str, Any] | None = None
) -> Any:
    names = variants or {r.variant: {} for r in rows}
    return evaluate(claim_of(*expects), spec_of(names), rows)


def losses(**values: Sequence[float]) -> list[Row]:
    return table({variant: {"test/loss": own} for variant, own in values.items()})


def test_a_direction_is_decided_by_the_paired_t_test() -> None:
    rows = losses(a=BASE, b=BETTER, c=NOISY)
    up, down, none = results_of(
        rows,
        {"expect": "higher", "of": "b", "than": "a"},
        {"expect": "lower", "of": "b", "than": "a"},
        {"expect": "higher", "of": "c", "than": "a"},
    )
    assert [up.outcome, down.outcome, none.outcome] == [SUPPORTED, CONTRADICTED, OPEN]
    p = [stats.ttest_rel(x, BASE).pvalue for x in (BETTER, BETTER, NOISY)]
    assert [up.p, down.p, none.p] == pytest.approx(holm(np.array(p)).tolist())
    assert up.effect == pytest.approx(np.mean(BETTER) - np.mean(BASE))
    assert up.interval[0] > 0
    assert none.interval[0] < 0 < none.interval[1]
    assert none.detectable > abs(none.effect)
    assert "detectable: about" in none.numbers
    assert "detectable" not in up.numbers


def test_a_margin_must_be_exceeded() -> None:
    rows = losses(a=BASE, b=BETTER)
    for margin, outcome in ((0.05, SUPPORTED), (0.1, OPEN), (0.2, CONTRADICTED)):
        (result,) = results_of(rows, {"expect": "higher", "of": "b", "than": "a", "margin": margin})
        assert result.outcome == outcome


def test_equality_needs_the_interval_within_the_margin() -> None:
    rows = losses(a=BASE, b=BETTER, c=CLOSE, d=NOISY)
    for variant, outcome in (("c", SUPPORTED), ("b", CONTRADICTED), ("d", OPEN)):
        (result,) = results_of(
            rows, {"expect": "equal", "of": variant, "than": "a", "margin": 0.01}
        )
        assert result.outcome == outcome
    d = np.array(CLOSE) - BASE
    low, high = stats.t.interval(0.9, 4, d.mean(), stats.sem(d))
    (close,) = results_of(rows, {"expect": "equal", "of": "c", "than": "a", "margin": 0.01})
    assert close.interval == pytest.approx((low, high))


def test_a_difference_needs_the_interval_beyond_the_margin() -> None:
    rows = losses(a=BASE, b=BETTER, c=CLOSE, d=NOISY)
    for variant, outcome in (("b", SUPPORTED), ("c", CONTRADICTED), ("d", OPEN)):
        (result,) = results_of(
            rows, {"expect": "different", "of": variant, "than": "a", "margin": 0.01}
        )
        assert result.outcome == outcome


def test_an_interaction_is_a_difference_of_differences() -> None:
    rows = losses(none=BASE, x=BETTER, y=CLOSE, xy=CLOSE)
    (result,) = results_of(
        rows, {"expect": "lower", "of": "xy", "than": "y", "minus": ["x", "none"]}
    )
    d = np.array(CLOSE) - CLOSE - (np.array(BETTER) - BASE)
    assert result.effect == pytest.approx(d.mean())
    assert result.outcome == SUPPORTED


GRID = {f"{o} {lr}": {"optimizer": o, "lr": lr} for o in ("adam", "sgd") for lr in (0.01, 0.1, 1.0)}


def grid_rows(adam: Sequence[float], sgd: Sequence[float]) -> list[Row]:
    generator = np.random.default_rng(0)
    means = dict(zip(GRID, (*adam, *sgd), strict=True))
    return table(
        {
            variant: {
                "test/accuracy": mean + 0.001 * generator.normal(size=5),
                "val/accuracy": mean + 0.001 * generator.normal(size=5),
            }
            for variant, mean in means.items()
        }
    )


def grid_result(rows: Sequence[Row], **more: Any) -> Any:
    expected = {"metric": "test/accuracy", "expect": "higher", "of": {"optimizer": "adam"}}
    return results_of(rows, {**expected, "than": {"optimizer": "sgd"}, **more}, variants=GRID)[0]


def test_settings_select_variants_and_are_reduced_to_one_number_per_seed() -> None:
    rows = grid_rows([0.90, 0.91, 0.89], [0.1, 0.95, 0.2])
    assert grid_result(rows).effect == pytest.approx(0.9 - 1.25 / 3, abs=0.002)
    assert grid_result(rows, reduce=["best", "best"]).effect == pytest.approx(-0.04, abs=0.003)
    assert grid_result(rows, reduce=["range", "range"]).effect == pytest.approx(-0.83, abs=0.003)
    width = grid_result(rows, reduce=["width", "width"], within=0.05)
    assert width.effect == 3 - 1
    assert width.numbers.startswith("+2.00 decades")
    assert grid_result(rows, reduce=["best", "mean"]).outcome == SUPPORTED


def test_the_best_is_chosen_by_validation_not_by_the_metric() -> None:
    rows = grid_rows([0.90, 0.91, 0.89], [0.1, 0.95, 0.2])
    rows = [
        replace(r, others={**r.others, "val/accuracy": (0.99, "")})
        if r.variant == "sgd 0.01"
        else r
        for r in rows
    ]
    result = grid_result(rows, reduce=["best", "best"])
    assert result.effect == pytest.approx(0.91 - 0.1, abs=0.003)


def test_a_correlation_over_variants_is_compared_with_a_number() -> None:
    rows = grid_rows([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])
    result = grid_result(
        rows, of="all", than=0, reduce=["correlation", "mean"], against="val/accuracy"
    )
    assert result.effect == pytest.approx(1.0)
    # All five correlations are equal: the sign-flip test of five seeds cannot reach 0.05.
    assert result.p == pytest.approx(2.0**-4)
    assert result.outcome == OPEN


ACCURACY = "test/accuracy"
OF_FOREST = "baseline/random_forest/test/accuracy"
BEATS_FOREST = {
    "expect": "higher",
    "metric": ACCURACY,
    "of": "a",
    "than": {"baseline": "random_forest"},
}


def test_a_baseline_is_compared_with_the_variant_of_the_same_seed() -> None:
    rows = table({"a": {ACCURACY: BETTER, OF_FOREST: BASE}})
    (result,) = results_of(rows, BEATS_FOREST)
    assert result.outcome == SUPPORTED
    assert result.p == pytest.approx(stats.ttest_rel(BETTER, BASE).pvalue)
    assert result.effect == pytest.approx(np.mean(BETTER) - np.mean(BASE))
    (other,) = results_of(rows[::-1], BEATS_FOREST)
    assert other.p == pytest.approx(result.p)


def test_a_baseline_that_was_not_trained_allows_no_test() -> None:
    missing = [math.nan] * len(BASE)
    (result,) = results_of(table({"a": {ACCURACY: BETTER, OF_FOREST: missing}}), BEATS_FOREST)
    assert result.outcome == NONE
    assert "the baseline random_forest, which `ablab claims run` trains" in result.numbers
    (partly,) = results_of(
        table({"a": {ACCURACY: BETTER, OF_FOREST: [*BASE[:4], math.nan]}}), BEATS_FOREST
    )
    assert partly.n == 4
    assert "1 seeds left out" in partly.note


def test_a_spread_over_seeds_is_tested_against_its_bound() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.01, 10)
    for bound, outcome in ((0.03, SUPPORTED), (0.002, CONTRADICTED), (0.0105, OPEN)):
        (result,) = results_of(
            losses(a=list(values)), {"expect": "stable", "of": "a", "margin": bound}
        )
        assert result.outcome == outcome
        assert result.effect == pytest.approx(values.std(ddof=1))


def test_numbers_without_chance_are_compared_as_they_are() -> None:
    rows = table({"cnn": {"parameters": [10] * 3}, "mlp": {"parameters": [30] * 3}})
    fewer, equal = results_of(
        rows,
        {"expect": "lower", "metric": "parameters", "of": "cnn", "than": "mlp"},
        {"expect": "equal", "metric": "parameters", "of": "cnn", "than": "mlp", "margin": 1},
    )
    assert (fewer.outcome, equal.outcome) == (SUPPORTED, CONTRADICTED)
    assert math.isnan(fewer.p)
    assert fewer.numbers == "\N{MINUS SIGN}20 parameters (exact)"


def test_an_identity_is_computed() -> None:
    (result,) = results_of(losses(a=BASE), {"expect": "identity", "check": "linear_stack"})
    assert result.outcome == SUPPORTED
    assert 0 <= result.effect < 1e-12


def test_a_block_is_tested_alone_and_several_are_averaged() -> None:
    rows = [
        *table({"a": {"test/loss": BASE}, "b": {"test/loss": BETTER}}, "one"),
        *table({"a": {"test/loss": BETTER}, "b": {"test/loss": BASE}}, "two"),
    ]
    expected = {"expect": "higher", "of": "b", "than": "a", "metric": "test/loss"}
    blocks = [{**expected, "block": "one"}, {**expected, "block": "two"}, expected]
    results = evaluate(claim_of(*blocks), spec_of({"a": {}, "b": {}}, ("one", "two")), rows)
    assert [r.outcome for r in results] == [SUPPORTED, CONTRADICTED, OPEN]
    assert results[2].effect == pytest.approx(0)


def test_two_seeds_allow_no_test() -> None:
    (result,) = results_of(
        losses(a=BASE[:2], b=BETTER[:2]), {"expect": "higher", "of": "b", "than": "a"}
    )
    assert result.outcome == NONE
    assert "three seeds" in result.numbers


def test_times_of_different_machines_are_not_tested() -> None:
    metric = "time/epoch_seconds"
    rows = table({"a": {metric: BASE}, "b": {metric: BETTER}})
    expected = {"expect": "higher", "metric": metric, "of": "b", "than": "a"}
    assert results_of(rows, expected)[0].outcome == SUPPORTED
    rows = [replace(r, environment={"cpu": f"cpu {r.seed % 2}"}) for r in rows]
    (result,) = results_of(rows, expected)
    assert result.outcome == NONE
    assert result.numbers == f"trials ran on different hardware, so {metric} does not compare"


def test_a_trial_without_a_value_cannot_win() -> None:
    rows = losses(a=BASE, b=BETTER)
    rows[-1] = replace(rows[-1], outcome="diverged", others={"test/loss": (math.nan, "diverged")})
    (result,) = results_of(rows, {"expect": "higher", "of": "b", "than": "a"})
    assert (result.outcome, result.n) == (OPEN, 4)
    assert "diverged without a value" in result.note


@pytest.mark.parametrize(
    ("rule", "outcomes", "expected"),
    [
        ("all", (SUPPORTED, SUPPORTED), SUPPORTED),
        ("all", (SUPPORTED, OPEN), OPEN),
        ("all", (OPEN, CONTRADICTED), CONTRADICTED),
        ("any", (OPEN, SUPPORTED), SUPPORTED),
        ("any", (OPEN, CONTRADICTED), OPEN),
        ("any", (CONTRADICTED, CONTRADICTED), CONTRADICTED),
        ("first", (SUPPORTED, CONTRADICTED), SUPPORTED),
        ("first", (OPEN, SUPPORTED), OPEN),
        ("all", (SUPPORTED, NONE), NONE),
    ],
)
def test_the_whole_follows_the_rule(rule: str, outcomes: tuple[str, ...], expected: str) -> None:
    (result,) = results_of(losses(a=BASE), {"expect": "identity", "check": "linear_stack"})
    assert whole(rule, [replace(result, outcome=o) for o in outcomes]) == expected


def plan_of(rows: Sequence[Row], claim: Claim, *earlier: Claim) -> Plan:
    cells = tuple(Cell(r.variant, r.seed, r.block, r.key) for r in rows)
    spec = replace(spec_of({r.variant: {} for r in rows}), claim=claim)
    specs = [*(replace(spec, claim=each) for each in earlier), spec]
    parts = tuple(Part("comparison", 0.0, "ablab sweep x", s, cells, {}) for s in specs)
    return Plan("x", parts)


def test_there_is_no_verdict_before_every_trial_is_done() -> None:
    rows = losses(a=BASE, b=BETTER)
    claim = claim_of({"expect": "higher", "of": "b", "than": "a"})
    done = claim_verdict(plan_of(rows, claim), rows)
    assert done is not None
    assert (done.outcome, done.note) == (SUPPORTED, "")
    rows[0] = replace(rows[0], outcome="running")
    pending = claim_verdict(plan_of(rows, claim), rows)
    assert pending is not None
    assert pending.outcome == "no verdict yet"
    assert pending.note == "9 of 10 trials are done"


def test_expectations_that_changed_after_planning_are_named() -> None:
    rows = losses(a=BASE, b=BETTER)
    claim = claim_of({"expect": "higher", "of": "b", "than": "a"})
    before = claim_of({"expect": "lower", "of": "b", "than": "a"})
    verdict = claim_verdict(plan_of(rows, claim, before), rows)
    assert verdict is not None
    assert verdict.note == "the expectations were changed after planning"


def test_contradicted_needs_a_second_setting() -> None:
    rows = losses(a=BASE, b=BETTER)
    claim = claim_of({"expect": "lower", "of": "b", "than": "a"})
    first = claim_verdict(plan_of(rows, claim), rows)
    assert first is not None
    other = replace(first, outcome=SUPPORTED, results=())
    elsewhere = replace(first, results=tuple(replace(r, outcome=OPEN) for r in first.results))
    setting = ("dataset=digits",)
    assert first.headline == "contradicted in this setting"
    alone = "contradicted in one setting, second not yet run"
    assert with_second(first, None, setting).headline == alone
    assert with_second(first, None).headline.endswith("no second one is stated")
    assert with_second(first, first, setting).headline == "contradicted, also with dataset=digits"
    assert with_second(first, other, setting).headline == (
        "contradicted in one setting, but supported with dataset=digits"
    )
    assert with_second(first, elsewhere, setting).headline == (
        "contradicted in one setting, and in another part with dataset=digits"
    )
    assert with_second(other, None, setting).headline == SUPPORTED


def test_false_verdicts_are_rare_where_nothing_differs() -> None:
    generator = np.random.default_rng(5)
    claim = claim_of(
        {"expect": "higher", "of": "b", "than": "a"}, {"expect": "higher", "of": "c", "than": "a"}
    )
    spec, replicates, wrong = spec_of({"a": {}, "b": {}, "c": {}}), 1000, 0
    for _ in range(replicates):
        rows = losses(**{v: list(generator.normal(size=5)) for v in "abc"})
        results = evaluate(claim, spec, rows)
        wrong += any(r.outcome in (SUPPORTED, CONTRADICTED) for r in results)
    assert wrong / replicates < 0.05 + 3 * math.sqrt(0.05 * 0.95 / replicates)
