"""Nested runs: a study and its trials are not both counted, and neither is chosen by guess."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_foreign_report import NAMING, FakeStore, run

from ablab.errors import InputError
from ablab.report.build import write_report
from ablab.report.mlflow.naming import Naming
from ablab.report.mlflow.report import foreign_page
from ablab.tracking.foreign import ForeignRun

PARENT = "mlflow.parentRunId"
BEST = {"small": 0.90, "big": 0.94}


def inside(parent: ForeignRun, child: ForeignRun, name: str) -> ForeignRun:
    tags = {**child.tags, PARENT: parent.run_id}
    return replace(child, run_id=f"{parent.run_id}/{name}", name=name, tags=tags)


def studies(trials: int = 3) -> list[ForeignRun]:
    """A study a place, with its best value, and trials that are worse the later they are."""
    found = []
    for model, best in BEST.items():
        for seed in range(4):
            parent = run(model, seed, best + 0.002 * seed, start=100.0 * seed)
            found.append(parent)
            for i in range(trials):
                worse = best + 0.002 * seed - 0.01 * i
                child = run(model, seed, worse, start=100.0 * seed + i + 1)
                found.append(inside(parent, child, f"{parent.name} trial {i}"))
    return found


def report(folder: Path, made_of: list[ForeignRun], **changes: str) -> Any:
    naming = Naming(**{**vars(NAMING), **changes})
    made = write_report(foreign_page(FakeStore(made_of), naming), folder)  # type: ignore[arg-type]
    return made, json.loads(made.json.read_text("utf-8"))


def means(content: Any) -> dict[str, float]:
    return {v["variant"]: v["mean"] for v in content["variants"]}


def test_a_study_and_its_trials_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        report(tmp_path / "out", studies())
    told = str(caught.value)
    assert told.startswith("--runs must be parents, children or all where runs lie in others")
    assert "parents are 8 runs for 8 places (means: small 0.903, big 0.943)" in told
    children = "24 runs for 8 places, of which the newest finished one of each counts"
    assert f"children are {children} (means: small 0.883, big 0.923)" in told
    assert "all are 32 runs for 8 places" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("asked", "expected", "left", "passed"),
    [("parents", 0.903, 24, 0), ("children", 0.883, 8, 16), ("all", 0.883, 0, 24)],
)
def test_what_was_asked_for_counts_and_the_rest_is_named(
    asked: str, expected: float, left: int, passed: int, tmp_path: Path
) -> None:
    _, content = report(tmp_path, studies(), runs=asked)
    assert means(content)["small"] == pytest.approx(expected)
    told = " ".join(content["notices"])
    assert (f"Left out, as --runs {asked} says: {left} of 32 runs" in told) == bool(left)
    assert (f"Passed over: {passed} runs of a variant, seed and block" in told) == bool(passed)
    assert f"--runs {asked}" in content["provenance"][0]["value"]


def test_trials_of_trials_are_counted_at_the_outer_or_the_inner_level(tmp_path: Path) -> None:
    deep = studies(1)
    for child in [r for r in deep if PARENT in r.tags]:
        fold = run(child.tags["model"], child.params["seed"], 0.5, start=child.start + 0.5)
        deep.append(inside(child, fold, f"fold of {child.name}"))
    _, outer = report(tmp_path / "outer", deep, runs="parents")
    _, inner = report(tmp_path / "inner", deep, runs="children")
    assert means(outer)["big"] == pytest.approx(0.943)
    assert means(inner)["big"] == pytest.approx(0.5)


def without(runs: list[ForeignRun], what: str, *, children: bool) -> list[ForeignRun]:
    """The runs of one level lack a name or the figure."""
    bare: dict[str, dict[str, Any]] = {"params": {"params": {}}, "metrics": {"metrics": {"lr": 1}}}
    return [replace(r, **bare[what]) if (PARENT in r.tags) == children else r for r in runs]


@pytest.mark.parametrize("what", ["params", "metrics"])
@pytest.mark.parametrize(("children", "expected"), [(True, 0.903), (False, 0.883)])
def test_only_one_level_with_all_names_needs_no_question(
    what: str, children: bool, expected: float, tmp_path: Path
) -> None:
    made, content = report(tmp_path, without(studies(), what, children=children))
    assert means(content)["small"] == pytest.approx(expected)
    assert made.is_answered
    assert content["losses"] == []
    assert any(told.startswith("Left out, without") for told in content["notices"])


def test_runs_beside_studies_that_are_none_of_their_parts_need_no_question(tmp_path: Path) -> None:
    """One side ran under a parent that only groups, the other alone."""
    group = run(None, None, None)
    small = [inside(group, run("small", s, 0.9 + s / 100), f"small {s}") for s in range(4)]
    big = [run("big", s, 0.93 + s / 100 + s * s / 5000) for s in range(4)]
    made, content = report(tmp_path, [group, *small, *big])
    assert content["contrasts"][0]["n"] == 4
    assert "big beats" in made.verdict


def test_a_parent_that_is_not_there_or_is_its_own_does_no_harm(tmp_path: Path) -> None:
    lone = [run(m, s, v + s / 100) for m, v in BEST.items() for s in range(4)]
    odd = [replace(r, tags={**r.tags, PARENT: "gone"}) for r in lone]
    odd[0] = replace(odd[0], tags={**lone[0].tags, PARENT: odd[0].run_id})
    _, content = report(tmp_path, odd)
    assert content["contrasts"][0]["n"] == 4
