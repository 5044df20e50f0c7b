"""Spaces: lists and ranges, read and drawn from."""

from typing import Any

import pytest

from ablab.sweep.tune.space import Range, Values, read_space


def read(node: Any) -> list[str]:
    faults: list[str] = []
    read_space("space", node, faults)
    return faults


@pytest.mark.parametrize(
    ("node", "fault"),
    [
        (None, "space must be a mapping of keys to a list of values or to {low, high, log}"),
        ({}, "got {}"),
        ({"a": 1}, "space.a must be a list of values or {low, high, log}, got 1"),
        ({"a": []}, "space.a must be a list of values that is not empty, got []"),
        ({"a": [1, 1]}, "space.a must be distinct values, got 1 twice"),
        ({"a": [{"b": 1}]}, "space.a must be a list of single values"),
        ({"a": {"low": 1}}, "space.a.high must be a number, got None"),
        ({"a": {"low": "x", "high": 1}}, "space.a.low must be a number, got 'x'"),
        ({"a": {"low": 2, "high": 1}}, "space.a.low must be below high, which is 1, got 2"),
        ({"a": {"low": 1, "high": 1}}, "space.a.low must be below high"),
        ({"a": {"low": 0, "high": 1, "log": True}}, "space.a.low must be > 0 where log is true"),
        ({"a": {"low": 0, "high": 1, "log": 1}}, "space.a.log must be true or false, got 1"),
        ({"a": {"low": 0, "high": 1, "step": 1}}, "space.a.step must be one of high, log, low"),
    ],
)
def test_wrong_spaces_are_refused_by_name(node: Any, fault: str):
    faults = read(node)
    assert any(fault in each for each in faults), faults


def test_all_faults_are_reported_at_once():
    assert len(read({"a": 1, "b": {"low": 2, "high": 1}, "c": []})) == 3


def test_shares_go_from_end_to_end_on_the_scale_of_the_range():
    log = Range(1e-4, 1.0, log=True)
    assert log.at(0.0) == pytest.approx(1e-4)
    assert log.at(0.5) == pytest.approx(1e-2)
    assert Range(-1.0, 3.0).at(0.25) == pytest.approx(0.0)
    whole = Range(1, 4, is_whole=True)
    assert [whole.at(share / 8) for share in range(8)] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert {Range(16, 256, log=True, is_whole=True).at(s / 50) for s in range(50)} <= {
        *range(16, 257)
    }


def test_edge_is_the_end_of_a_list_or_within_2_percent_of_that_of_a_range():
    assert Values((0.1, 0.01, 1.0)).is_edge(0.01)
    assert not Values((0.1, 0.01, 1.0)).is_edge(0.1)
    assert not Values(("none", "batch")).is_edge("none")
    log = Range(1e-4, 1.0, log=True)
    assert log.is_edge(1.1e-4)
    assert not log.is_edge(2e-4)
    assert not log.is_edge(0.5)
    assert log.is_edge(0.9)
    assert Range(1, 9, is_whole=True).is_edge(9)
    assert not Range(1, 9, is_whole=True).is_edge(8)


def test_own_values_are_in_a_list_or_a_range():
    assert Values((1, None, "batch")).has(None)
    assert not Values((1, 2)).has(3)
    assert Range(0.1, 1.0).has(0.1)
    assert not Range(0.1, 1.0).has(2)
    assert not Range(0.1, 1.0).has(None)


def test_range_in_integers_is_of_decimals_where_the_configuration_has_one():
    whole = Range(0, 1, is_whole=True)
    assert whole.for_value(0.9) == Range(0.0, 1.0)
    assert whole.for_value(3) is whole
