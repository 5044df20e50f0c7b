"""An interpolation resolves to a plain value, or its key is reported."""

import pytest

from ablab.config.compose import compose
from ablab.config.interpolation import resolve_interpolations
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
def test_interpolation_is_replaced_by_its_value(
    text: str, value: object, monkeypatch: pytest.MonkeyPatch
):
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
def test_unresolvable_interpolation_is_refused_with_its_key(text: str):
    with pytest.raises(ConfigError) as caught:
        compose([f'optimizer.lr="{text}"']).resolved()
    (line,) = caught.value.faults
    assert line.startswith("optimizer.lr must interpolate a key with a plain value")
    assert ", got " in line


def test_missing_value_is_refused_with_its_key():
    with pytest.raises(ConfigError, match=r"^optimizer\.lr must be given, got \?\?\?$"):
        compose(["optimizer.lr='???'"]).resolved()


def test_chains_that_could_grow_are_refused():
    growing = {f"k{n}": f"${{k{n + 1}}}${{k{n + 1}}}" for n in range(50)} | {"k50": "xx"}
    _, faults = resolve_interpolations(growing)
    assert len(faults) == 49  # the last one refers to a value
    assert all("it refers to another interpolation" in line for line in faults)


def test_number_of_interpolations_is_bounded():
    _, faults = resolve_interpolations({"x": 1, **{f"k{n}": "${x}" for n in range(200)}})
    assert faults == [
        "configuration must be at most 100 interpolations (each copies what it refers to), got 200"
    ]


def test_resolved_values_are_copies():
    root = {"a": [1, 2], "b": "${a}"}
    values, faults = resolve_interpolations(root)
    assert faults == []
    values["b"].append(3)
    assert root == {"a": [1, 2], "b": "${a}"}
    assert values["a"] == [1, 2]
