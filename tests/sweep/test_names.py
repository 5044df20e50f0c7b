"""A sweep's id names its overrides and is a valid folder name."""

from pathlib import Path

import pytest

from ablab.folders import LONGEST
from ablab.sweep.names import sweep_id
from ablab.text import escape_controls


def test_name_ignores_order_and_overrides_that_change_no_trial():
    changes = ["trainer.max_epochs=3", "dataset=digits"]
    other = ["devices=cpu", "launcher.slots=1", "tracking=offline", "sweep.seeds=2"]
    assert sweep_id("a", changes) == sweep_id("a", changes[::-1] + other)
    assert sweep_id("a", other) == "a"


def test_name_is_safe_as_a_folder():
    name = sweep_id("a", ["dataset=../b\0"])
    assert "/" not in name
    assert "\0" not in name


def test_long_names_are_shortened_and_stay_distinct():
    names = {sweep_id("a", [f"optimizer.lr={'é' * 100}{n}"]) for n in range(3)}
    assert len(names) == 3
    assert all(len(name.encode()) <= LONGEST for name in names)


def test_long_names_keep_their_beginning():
    assert sweep_id("activations", ["trainer.max_epochs=" + "9" * 200]).startswith("activations [")


@pytest.mark.parametrize(
    "value",
    ["../x", "a/b\\c:d", "x" * 300, "数据 " * 90, "\x1b[31m", "\u202e", "\udc80" * 200, "CON", "."],
)
def test_name_with_any_value_is_a_valid_folder(value: str, tmp_path: Path):
    name = sweep_id("a", [f"dataset.path={value}"])
    assert name.startswith("a [dataset.path=")
    assert escape_controls(name) == name
    (tmp_path / name).mkdir()
    assert [p.name for p in tmp_path.iterdir()] == [name]
