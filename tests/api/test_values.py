"""Keyword arguments become overrides that set exactly the given values."""

import enum
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablab.api.values import to_overrides
from ablab.config.compose import compose
from ablab.config.overrides import parse
from ablab.faults import ConfigError
from ablab.sweep.names import sweep_id


class Name(str, enum.Enum):  # noqa: UP042 - the older spelling, whose str() is its own
    ELU = "elu"


class Count(enum.IntEnum):
    TWO = 2


def set_by(value: Any) -> Any:
    """Return the value that the configuration would get."""
    parsed, faults = parse(to_overrides([], {"key": value}))
    assert faults == []
    return parsed[0].value()


VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -3,
    2**62,
    0.1,
    1e-7,
    -1.5e300,
    float("inf"),
    "elu",
    "",
    " ",
    "My data (1), part [2] {a: b}",
    "0.1",
    "1e3",
    "null",
    "None",
    "true",
    "inf",
    "nan",
    "[1,2]",
    "{a: 1}",
    "a=b",
    "choice(1,2)",
    "1,2",
    "it's",
    'say "so"',
    "C:\\data\\",
    "Ünïcode 数字",
    "# no comment",
    "~home",
    "+a",
    "two\nlines",
    [],
    [1, 0.5, "a, b", None, True],
    ["0.1", "null", "a b", "x]"],
    [[1], [2, 3]],
    {"a": 1, "b": ["x", "(y)"]},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_value_is_set_unchanged(value: Any) -> None:
    found = set_by(value)
    assert (found, type(found)) == (value, type(value))
    assert repr(found) == repr(value)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
def test_any_string_is_set_unchanged(text: str) -> None:
    if "${" in text or text == "???" or "\0" in text:  # a reference, missing, no text of a YAML
        with pytest.raises(ConfigError, match=r"^key must"):
            to_overrides([], {"key": text})
    else:
        assert set_by(text) == text


@given(st.floats(allow_nan=False) | st.integers(1 - 2**63, 2**63 - 1))
def test_any_number_is_set_unchanged(number: float) -> None:
    found = set_by(number)
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("0.1"), "0.1"),
        (np.array(7), 7),
        (torch.tensor(2), 2),
        ([np.int32(1), np.float64(0.3)], [1, 0.3]),
        ((1, 2), [1, 2]),
        (PurePosixPath("/data/my set (1)"), "/data/my set (1)"),
        (Name.ELU, "elu"),
        (Count.TWO, 2),
    ],
)
def test_scalars_paths_and_enumerations_become_built_in_types(value: Any, expected: Any) -> None:
    found = set_by(value)
    assert (found, type(found)) == (expected, type(expected))


def test_nan_is_set_as_nan() -> None:
    assert np.isnan(set_by(float("nan")))


@pytest.mark.parametrize(
    "value",
    [
        10**30,
        {1, 2},
        np.zeros(2),
        object(),
        b"bytes",
        1j,
        {1: "a"},
        [object()],
        len,
        "${seed}",
        ["${a}"],
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_that_no_override_can_express_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^key must be .*, got "):
        to_overrides([], {"key": value})


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        to_overrides([3], {"a": object(), "b": {1, 2}})  # type: ignore[list-item]
    assert [fault.split(" ")[0] for fault in caught.value.faults] == ["override", "a", "b"]


@pytest.mark.parametrize(
    ("overrides", "choices"),
    [
        (["activation=elu"], {"activation": "relu"}),
        (["trainer.max_epochs=3"], {"trainer": {"max_epochs": 2}}),
        ([], {"trainer": {"max_epochs": 2}, "trainer.max_epochs": 3}),
    ],
)
def test_key_given_twice_is_refused(overrides: list[str], choices: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be given once, got it"):
        to_overrides(overrides, choices)


def test_dict_sets_keys_of_its_group_and_keeps_the_others() -> None:
    given_ = to_overrides([], {"optimizer": {"lr": 0.5}, "trainer": {"max_epochs": 2}})
    assert given_ == ["optimizer.lr=0.5", "trainer.max_epochs=2"]
    config = compose(given_).resolved()
    assert config["optimizer"]["lr"] == 0.5
    assert "betas" in config["optimizer"]


def test_grid_is_set_as_one_value() -> None:
    grid = {"activation": ["relu", "elu"]}
    spec = compose(to_overrides([], {"sweep": {"grid": grid, "seeds": [3, 5]}}), "activations")
    assert spec.sweep is not None
    assert spec.sweep["grid"] == grid
    assert spec.sweep["seeds"] == [3, 5]


def test_path_with_spaces_and_brackets_is_set_unchanged(tmp_path: Path) -> None:
    folder = tmp_path / "my data (1), [copy]"
    given_ = to_overrides([], {"dataset": "folder", "dataset.path": folder})
    assert compose(given_).resolved()["dataset"]["path"] == str(folder)


def test_sweep_id_equals_that_of_the_command() -> None:
    given_ = to_overrides([], {"dataset": "digits", "trainer": {"max_epochs": 3}, "seed": 1})
    assert given_ == ["dataset=digits", "trainer.max_epochs=3", "seed=1"]
    assert sweep_id("demo", given_[:2]) == "demo [dataset=digits trainer.max_epochs=3]"
