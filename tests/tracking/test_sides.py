"""The sides of an expectation: which variants they select, and which are baselines."""

import pytest

from ablab.tracking.sides import baseline_of, chosen, is_baseline, varied_number


def test_sides_select_variants_in_the_order_of_the_sweep() -> None:
    variants = {"a": {"x": 1, "lr": 0.1}, "b": {"x": 1, "lr": 1}, "c": {"x": 2, "lr": 1}}
    assert chosen({"x": 1}, variants) == ["a", "b"]
    assert chosen("all", variants) == ["a", "b", "c"]
    assert chosen("c", variants) == ["c"]
    assert chosen({}, variants) == chosen({"x": 3}, variants) == chosen("d", variants) == []
    assert varied_number(["a", "b"], variants) == [0.1, 1.0]
    assert varied_number(["a", "c"], variants) == []


@pytest.mark.parametrize(
    "side", ["k_nn", 0.5, None, {}, {"baseline": "k_nn", "lr": 1}, {"optimizer": "adam"}]
)
def test_other_sides_are_no_baselines(side: object) -> None:
    assert not is_baseline(side)
    assert is_baseline({"baseline": "k_nn"})
    assert baseline_of({"baseline": "k_nn"}) == "k_nn"
