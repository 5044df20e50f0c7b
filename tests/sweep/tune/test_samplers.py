"""Samplers without a model."""

import math

from searches import told

from ablab.sweep.tune.samplers import (
    best_of,
    grid_values,
    one_at_a_time_values,
    random_values,
    starts_key,
)
from ablab.sweep.tune.space import Range, Values

SPACE = {"a": Values((1, 2)), "b": Values((10, 20, 30))}


def test_grid_is_the_product_each_combination_once():
    found = [grid_values(SPACE, number) for number in range(6)]
    assert found[:2] == [{"a": 1, "b": 10}, {"a": 1, "b": 20}]
    assert len({tuple(each.values()) for each in found}) == 6


def test_random_values_repeat_with_the_seed_and_cover_the_space():
    space = {"lr": Range(1e-4, 1.0, log=True), "b": Values((10, 20, 30))}
    drawn = [random_values(space, f"x/{number}") for number in range(2000)]
    assert drawn == [random_values(space, f"x/{number}") for number in range(2000)]
    assert drawn != [random_values(space, f"y/{number}") for number in range(2000)]
    logs = [math.log10(each["lr"]) for each in drawn]
    # A mean of 2000 uniform draws on [-4, 0] lies within 5 standard errors of -2.
    assert abs(sum(logs) / 2000 + 2) < 5 * 4 / math.sqrt(12 * 2000)
    counts = [sum(each["b"] == value for each in drawn) for value in (10, 20, 30)]
    assert all(abs(count - 2000 / 3) < 5 * math.sqrt(2000 * 2 / 9) for count in counts)


def test_one_at_a_time_keeps_the_best_of_the_keys_before():
    base = {"a": 5, "b": 50}
    assert one_at_a_time_values(SPACE, base, [], 1, 1) == {"a": 2, "b": 50}
    known = [told(0, 0.7, a=1, b=50), told(1, 0.6, a=2, b=50)]
    assert one_at_a_time_values(SPACE, base, known, 2, 1) == {"a": 1, "b": 10}
    assert one_at_a_time_values(SPACE, base, known, 4, -1) == {"a": 2, "b": 30}


def test_one_at_a_time_keeps_the_own_value_of_a_key_whose_trials_all_failed():
    known = [told(0, None, "failed", a=1), told(1, None, "failed", a=2)]
    assert one_at_a_time_values(SPACE, {"a": 5, "b": 50}, known, 2, 1) == {"a": 5, "b": 10}


def test_keys_start_where_the_values_of_the_earlier_ones_end():
    assert [n for n in range(5) if starts_key(SPACE, n)] == [0, 2]


def test_best_is_the_first_of_equals_and_finished():
    trials = [told(0, None, "diverged"), told(1, 0.5), told(2, 0.9), told(3, 0.9)]
    best = best_of(trials, 1)
    assert best is not None
    assert best.number == 2
    lowest = best_of(trials, -1)
    assert lowest is not None
    assert lowest.number == 1
    assert best_of(trials[:1], 1) is None
