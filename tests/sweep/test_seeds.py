"""``sweep.seeds`` is a count, a list or looks; faults are named."""

from dataclasses import replace
from typing import Any

import pytest

from ablab.faults import ConfigError
from ablab.stats import sequential
from ablab.sweep.seeds import parse_seeds
from ablab.sweep.spec import parse
from ablab.tracking.spec import SPENDING, Looks, read_spec

GOOD = {"first": 5, "then": [10, 15, 20], "until": "decided"}


def read(value: Any) -> tuple[tuple[int, ...], Looks | None, list[str]]:
    faults: list[str] = []
    return *parse_seeds(value, faults), faults


def test_a_count_and_a_list_have_no_looks():
    assert read(3) == ((0, 1, 2), None, [])
    assert read([7, 2]) == ((7, 2), None, [])


def test_looks_are_read_with_their_defaults():
    looks = Looks((5, 10, 15, 20), "obrien_fleming", 0.1)
    assert read(GOOD) == (tuple(range(20)), looks, [])
    assert read({"first": 5, "then": [10, 15, 20]})[1] == looks
    other = GOOD | {"spending": "pocock", "futility": None}
    assert read(other)[1] == Looks((5, 10, 15, 20), "pocock", None)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"first": 2}, "sweep.seeds.first must be a count >= 3, got 2"),
        ({"first": True}, "sweep.seeds.first must be a count >= 3, got True"),
        ({"first": None}, "sweep.seeds.first must be a count >= 3, got None"),
        ({"then": [10, 10]}, "sweep.seeds.then must be a list of counts that grow from first, got"),
        ({"then": [5, 10]}, "sweep.seeds.then must be a list of counts that grow from first, got"),
        ({"then": []}, "sweep.seeds.then must be a list of counts that grow from first, got []"),
        ({"then": 10}, "sweep.seeds.then must be a list of counts that grow from first, got 10"),
        ({"then": [10, 12.5]}, "sweep.seeds.then must be a list of counts"),
        ({"then": list(range(6, 20))}, "sweep.seeds.then must be at most 9 counts, got 14"),
        ({"then": [10**9]}, "sweep.seeds.then"),
        ({"until": "never"}, "sweep.seeds.until must be decided, got 'never'"),
        ({"spending": "linear"}, "spending must be one of obrien_fleming, pocock, got 'linear'"),
        ({"futility": 1}, "sweep.seeds.futility must be a probability in (0, 1), or null, got 1"),
        ({"futility": "no"}, "sweep.seeds.futility must be a probability in (0, 1), or null"),
        ({"frist": 5}, "sweep.seeds.frist"),
    ],
)
def test_fault_is_named(change: dict[str, Any], fault: str):
    _, looks, faults = read(GOOD | change)
    assert looks is None
    assert len(faults) == 1
    assert fault in faults[0]


def test_all_faults_are_reported_with_those_of_other_keys():
    node = {"question": "?", "goal": "most", "variants": {"full": {}}}
    with pytest.raises(ConfigError) as caught:
        parse(node | {"seeds": {"first": 1, "then": [1], "until": "x"}})
    assert len(caught.value.faults) == 3


def test_the_question_keeps_looks_and_a_fixed_one_has_no_such_key():
    spec = parse({"question": "?", "variants": {"full": {}}, "seeds": GOOD})
    content = spec.for_plan(["full"], []).as_dict()
    assert content["looks"]["sizes"] == [5, 10, 15, 20]
    assert read_spec(content).looks == spec.looks
    assert "looks" not in parse({"question": "?", "variants": {"full": {}}, "seeds": 5}).as_dict()


def test_looks_are_described():
    looks = Looks((5, 10, 20), "pocock", None)
    assert str(looks) == "first 5, then 10 and 20 (pocock, no futility)"
    assert str(replace(looks, futility=0.1)).endswith("(pocock, futility 0.1)")


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": 5},
        {"sizes": []},
        {"sizes": [5, 5]},
        {"sizes": [5.0, 10]},
        {"spending": None},
        {"futility": "0.1"},
        {"more": 1},
    ],
)
def test_looks_of_a_damaged_plan_are_refused(change: dict[str, Any]):
    looks = {"sizes": [5, 10], "spending": "pocock", "futility": 0.1}
    assert read_spec({"looks": looks}).looks == Looks((5, 10), "pocock", 0.1)
    with pytest.raises(TypeError):
        read_spec({"looks": looks | change})


def test_every_spending_function_of_the_yaml_exists():
    assert tuple(sequential.SPENDING) == SPENDING
