"""Nested runs: a study and its trials are not both counted, and neither is chosen by a guess."""

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


def nested(parent: ForeignRun, child: ForeignRun, name: str) -> ForeignRun:
    tags = {**child.tags, PARENT: parent.run_id}
    return replace(child, run_id=f"{parent.run_id}/{name}", name=name, tags=tags)


def studies(trials: int = 3) -> list[ForeignRun]:
    """Return one study per cell with its best value, and trials, each worse than the one before."""
    runs = []
    for model, best in BEST.items():
        for seed in range(4):
            parent = run(model, seed, best + 0.002 * seed, start=100.0 * seed)
            runs.append(parent)
            for i in range(trials):
                worse = best + 0.002 * seed - 0.01 * i
                child = run(model, seed, worse, start=100.0 * seed + i + 1)
                runs.append(nested(parent, child, f"{parent.name} trial {i}"))
    return runs


def report(folder: Path, own: list[ForeignRun], **changes: str) -> Any:
    naming = Naming(**{**vars(NAMING), **changes})
    made = write_report(foreign_page(FakeStore(own), naming), folder)  # type: ignore[arg-type]
    return made, json.loads(made.json.read_text("utf-8"))


def means(content: Any) -> dict[str, float]:
    return {v["variant"]: v["mean"] for v in content["variants"]}


def test_a_study_and_its_trials_need_the_option(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        report(tmp_path / "out", studies())
    message = str(caught.value)
    cells = "8 combinations of variant, seed and block"
    assert message.startswith("--runs must be parents, children or all where runs lie in others")
    assert f"parents are 8 runs for {cells} (means: small 0.903, big 0.943)" in message
    children = f"24 runs for {cells}, of which the newest finished one of each counts"
    assert f"children are {children} (means: small 0.883, big 0.923)" in message
    assert f"all are 32 runs for {cells}" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("level", "expected", "left_out", "not_counted"),
    [("parents", 0.903, 24, 0), ("children", 0.883, 8, 16), ("all", 0.883, 0, 24)],
)
def test_the_chosen_level_counts_and_the_other_runs_are_named(
    level: str, expected: float, left_out: int, not_counted: int, tmp_path: Path
) -> None:
    _, content = report(tmp_path, studies(), runs=level)
    assert means(content)["small"] == pytest.approx(expected)
    notices = " ".join(content["notices"])
    assert (f"as --runs {level} says: {left_out} of 32 runs" in notices) == bool(left_out)
    assert (f"Not counted: {not_counted} runs of a variant" in notices) == bool(not_counted)
    assert f"--runs {level}" in content["provenance"][0]["value"]


def test_doubly_nested_runs_count_at_the_outer_or_the_inner_level(tmp_path: Path) -> None:
    deep = studies(1)
    for child in [r for r in deep if PARENT in r.tags]:
        fold = run(child.tags["model"], child.params["seed"], 0.5, start=child.start + 0.5)
        deep.append(nested(child, fold, f"fold of {child.name}"))
    _, outer = report(tmp_path / "outer", deep, runs="parents")
    _, inner = report(tmp_path / "inner", deep, runs="children")
    assert means(outer)["big"] == pytest.approx(0.943)
    assert means(inner)["big"] == pytest.approx(0.5)


def without(runs: list[ForeignRun], what: str, *, children: bool) -> list[ForeignRun]:
    """Return the runs, of which one level lacks the seed or the metric."""
    bare: dict[str, dict[str, Any]] = {"params": {"params": {}}, "metrics": {"metrics": {"lr": 1}}}
    return [replace(r, **bare[what]) if (PARENT in r.tags) == children else r for r in runs]


@pytest.mark.parametrize("what", ["params", "metrics"])
@pytest.mark.parametrize(("children", "expected"), [(True, 0.903), (False, 0.883)])
def test_one_level_with_all_names_needs_no_option(
    what: str, children: bool, expected: float, tmp_path: Path
) -> None:
    made, content = report(tmp_path, without(studies(), what, children=children))
    assert means(content)["small"] == pytest.approx(expected)
    assert made.is_answered
    assert content["losses"] == []
    assert any(note.startswith("Left out, without") for note in content["notices"])


def test_runs_beside_a_parent_that_only_groups_need_no_option(tmp_path: Path) -> None:
    """One variant ran under a parent that only groups, the other alone."""
    group = run(None, None, None)
    small = [nested(group, run("small", s, 0.9 + s / 100), f"small {s}") for s in range(4)]
    big = [run("big", s, 0.93 + s / 100 + s * s / 5000) for s in range(4)]
    made, content = report(tmp_path, [group, *small, *big])
    assert content["contrasts"][0]["n"] == 4
    assert "big beats" in made.verdict


def test_a_missing_parent_or_a_run_that_is_its_own_is_harmless(tmp_path: Path) -> None:
    lone = [run(m, s, v + s / 100) for m, v in BEST.items() for s in range(4)]
    odd = [replace(r, tags={**r.tags, PARENT: "gone"}) for r in lone]
    odd[0] = replace(odd[0], tags={**lone[0].tags, PARENT: odd[0].run_id})
    _, content = report(tmp_path, odd)
    assert content["contrasts"][0]["n"] == 4
