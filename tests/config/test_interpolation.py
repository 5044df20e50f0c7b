"""An interpolation has a value at once, or the key where it stands is told."""

import pytest

from ablab.config.compose import compose
from ablab.config.interpolation import resolved
from ablab.faults import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${batch_size}", 128),
        ("${..batch_size}", 128),
        ("${.betas}", [0.9, 0.999]),
        ("${.betas.1}", 0.999),
        ("${.betas[0]}", 0.9),
        ("x${seed}y${trainer.precision}", "x0y32-true"),
        ("${oc.env:FUZZ_LR}", "0.25"),
        ("${oc.env:FUZZ_ABSENT,0.5}", "0.5"),
        ("${oc.decode:${oc.env:FUZZ_LR}}", 0.25),
    ],
)
def test_reference_runs_the_value(text: str, value: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FUZZ_LR", "0.25")
    assert compose([f"optimizer.lr='{text}'"]).resolved()["optimizer"]["lr"] == value


@pytest.mark.parametrize(
    "text",
    [
        "${nowhere}",
        "${optimizer.nowhere}",
        "${.lr}",
        "${optimizer}",
        "${optimizer.lr}",
        "${.....seed}",
        "${oc.env:FUZZ_ABSENT}",
        "${now:%Y}",
        "${hydra:runtime.cwd}",
        "${oc.dict.keys:optimizer}",
        "${oc.create:{a:1}}",
        "${${seed}}",
        "${",
        "${}",
        "${..}",
        "a ${.betas} b",
        "\\${seed}",
    ],
)
def test_reference_that_leads_nowhere_is_told_with_its_key(text: str):
    with pytest.raises(ConfigError) as caught:
        compose([f'optimizer.lr="{text}"']).resolved()
    (told,) = caught.value.faults
    assert told.startswith("optimizer.lr must interpolate keys that hold a value of their own")
    assert ", got " in told


def test_missing_value_is_told_with_its_key():
    with pytest.raises(ConfigError, match=r"^optimizer\.lr must be given, got \?\?\?$"):
        compose(["optimizer.lr='???'"]).resolved()


def test_chains_are_refused_and_so_cannot_grow():
    growing = {f"k{n}": f"${{k{n + 1}}}${{k{n + 1}}}" for n in range(50)} | {"k50": "xx"}
    _, told = resolved(growing)
    assert len(told) == 49  # the last of them refers to a value
    assert all("that has no value of its own" in line for line in told)


def test_number_of_references_is_bounded():
    _, told = resolved({"x": 1, **{f"k{n}": "${x}" for n in range(200)}})
    assert told == [
        "configuration must be at most 100 interpolations (each copies what it refers to), got 200"
    ]


def test_resolved_values_are_no_ones_else():
    root = {"a": [1, 2], "b": "${a}"}
    values, told = resolved(root)
    assert told == []
    values["b"].append(3)
    assert root == {"a": [1, 2], "b": "${a}"}
    assert values["a"] == [1, 2]
