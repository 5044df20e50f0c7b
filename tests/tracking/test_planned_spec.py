"""The question as a plan stores it: given keys and defaults."""

import json
from pathlib import Path
from typing import Any

import pytest

from ablab.tracking.files import DamagedError
from ablab.tracking.plan import read_plan
from ablab.tracking.spec import Spec, read_spec

OLD = {  # of a part that ablab 0.1 wrote: no target, no checksum
    "question": "Which activation?",
    "kind": "best",
    "metric": "val/loss",
    "goal": "min",
    "baseline": "relu",
    "margin": None,
    "seeds": [0, 2],
    "variants": {"relu": {"activation": "relu"}, "elu": {"activation": "elu"}},
    "blocks": {"mnist": {}},
}


def written(folder: Path, spec: Any) -> Path:
    cell = {"variant": "relu", "seed": 0, "block": "mnist", "key": "k"}
    part = {"kind": "comparison", "time": 1.5, "command": "ablab sweep s", "spec": spec}
    content = part | {"cells": [cell], "trials": {"k": {}}, "excluded": [], "yaml": ""}
    (folder / "part-001.json").write_text(json.dumps(content))
    return folder


def test_a_part_of_0_1_is_read_and_written_unchanged(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, OLD))
    assert plan is not None
    assert plan.spec == Spec(
        question="Which activation?", kind="best", metric="val/loss", goal="min",
        baseline="relu", margin=None, target=None, seeds=(0, 2),
        variants={"relu": {"activation": "relu"}, "elu": {"activation": "elu"}},
        blocks={"mnist": {}},
    )  # fmt: skip
    assert plan.spec.direction == -1
    assert json.dumps(plan.spec.as_dict()) == json.dumps(OLD)


def test_missing_keys_have_their_defaults_and_unknown_ones_are_ignored(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, {"variants": {"relu": {}}, "of_a_later_version": 1}))
    assert plan is not None
    assert plan.spec == Spec(variants={"relu": {}})
    assert (plan.spec.kind, plan.spec.metric) == ("versus_baseline", "test/accuracy")
    assert (plan.spec.goal, plan.spec.direction, plan.spec.foreign) == ("max", 1, False)


@pytest.mark.parametrize(
    "spec",
    [
        [],
        "question",
        {"kind": 3},
        {"metric": ["test/accuracy"]},
        {"margin": "wide"},
        {"variants": ["relu"]},
        {"variants": {"relu": 1}},
        {"blocks": 2},
        {"seeds": 1.5},
        {"looks": {"sizes": [5, 10], "spending": "haybittle", "futility": None}},
    ],
)
def test_a_spec_with_wrong_types_is_damaged(tmp_path: Path, spec: Any) -> None:
    with pytest.raises(DamagedError, match="must be a part of a plan"):
        read_plan(written(tmp_path, spec))


def test_given_keys_are_read_as_written() -> None:
    spec = Spec(
        kind="equivalence", margin=0.01, target=0.9, seeds=(3, 1), foreign=True, curve="loss"
    )
    content = json.loads(json.dumps(spec.as_dict()))
    assert read_spec(content) == spec
    assert not content.keys() & {"unit", "curve_unit", "tune"}
