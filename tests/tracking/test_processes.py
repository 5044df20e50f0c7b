"""A function is mapped over items in several processes, as if in one."""

import os
from functools import partial
from pathlib import Path

import pytest

from ablab.tracking.processes import map_items


def double(item: int) -> tuple[int, int]:
    return 2 * item, os.getpid()


def refuse(item: int) -> int:
    if item == 9:
        raise ValueError("nine")
    return item


def kill_others(parent: int, item: int) -> int:
    if os.getpid() != parent:
        os.kill(os.getpid(), 9)
    return item


@pytest.fixture(autouse=True)
def _processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})


@pytest.mark.parametrize("number", [0, 1, 3, 10])
def test_results_are_in_the_order_of_the_items(number: int) -> None:
    results = map_items(double, range(number), 1)
    assert [value for value, _ in results] == [2 * item for item in range(number)]
    assert len({process for _, process in results}) == min(number, 3)


def test_few_items_stay_in_this_process() -> None:
    results = map_items(double, range(10), 6)
    assert {process for _, process in results} == {os.getpid()}


def test_an_exception_of_another_process_is_raised_here() -> None:
    with pytest.raises(ValueError, match="nine"):
        map_items(refuse, range(10), 1)


def test_the_share_of_a_killed_process_is_computed_here() -> None:
    assert map_items(partial(kill_others, os.getpid()), range(10), 1) == list(range(10))


def test_no_process_and_no_pipe_is_left() -> None:
    before = set(os.listdir("/proc/self/fd"))
    map_items(double, range(10), 1)
    assert set(os.listdir("/proc/self/fd")) == before
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    for child in children:
        assert Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2][0] != "Z"
