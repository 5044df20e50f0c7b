"""Reports on MLflow runs that ablab did not start."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ablab.errors import InputError
from ablab.report.build import write_report
from ablab.report.mlflow.naming import Naming
from ablab.report.mlflow.report import foreign_page
from ablab.tracking.foreign import ForeignRun

SEEDS = range(5)


class FakeStore:
    """The part of a store that `foreign_page` uses."""

    def __init__(self, runs: Sequence[ForeignRun], curves: Mapping[str, Any] | None = None) -> None:
        self._runs, self._curves = runs, curves or {}

    def runs(self, experiment: str) -> list[ForeignRun]:
        return sorted(self._runs, key=lambda run: run.start)

    def curve(self, run_id: str, metric: str) -> tuple[float, ...]:
        return tuple(self._curves[run_id])


def run(
    model: str | None,
    seed: Any,
    value: float | None,
    *,
    status: str = "FINISHED",
    start: float = 1.0,
    **tags: str,
) -> ForeignRun:
    name = f"{model}-{seed}-{start}"
    params = {} if seed is None else {"seed": str(seed)}
    named = {} if model is None else {"model": model}
    metrics = {} if value is None else {"test_acc": value}
    return ForeignRun(name, name, status, start, start + 9, named | tags, params, metrics)


def accuracies() -> dict[str, list[float]]:
    generator = np.random.default_rng(5)
    return {
        "small": list(0.9 + generator.normal(0, 0.004, len(SEEDS))),
        "big": list(0.93 + generator.normal(0, 0.004, len(SEEDS))),
    }


def both(**tags: str) -> list[ForeignRun]:
    return [run(m, s, v[s], **tags) for m, v in accuracies().items() for s in SEEDS]


NAMING = Naming("nets", "tags.model", "params.seed", "test_acc", baseline="small")


def report(folder: Path, runs: Sequence[ForeignRun], naming: Naming = NAMING, **curves: Any) -> Any:
    made = write_report(foreign_page(FakeStore(runs, curves), naming), folder)  # type: ignore[arg-type]
    return made, json.loads(made.json.read_text("utf-8"))


def test_runs_are_paired_by_seed_and_tested(tmp_path: Path) -> None:
    made, content = report(tmp_path, both()[::-1])
    values = accuracies()
    (contrast,) = content["contrasts"]
    expected = stats.ttest_rel(values["big"], values["small"])
    assert contrast["p"] == pytest.approx(expected.pvalue)
    assert contrast["ci95_low"] == pytest.approx(expected.confidence_interval().low)
    assert "big beats the baseline small by" in made.verdict
    assert made.is_answered


def test_the_page_names_the_experiment_and_the_command(tmp_path: Path) -> None:
    made, content = report(tmp_path, both())
    page = made.html.read_text("utf-8")
    assert "These runs were read from MLflow" in page
    assert "runs of the MLflow experiment nets" in page
    assert "fixed" not in made.verdict
    command = (
        "ablab report --mlflow nets --variant tags.model --seed params.seed --metric test_acc "
        "--goal max --baseline small"
    )
    assert {"fact": "Command", "value": command} in content["provenance"]
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)


def test_runs_without_variant_or_seed_are_left_out_and_listed(tmp_path: Path) -> None:
    odd = [run(None, 1, 0.5), run("big", None, 0.5), run("big", "five", 0.5)]
    _, content = report(tmp_path, both() + odd)
    notices = " ".join(content["notices"])
    assert "Left out, without tags.model: 1 of 13 runs, None-1-1.0." in notices
    assert "Left out, without params.seed: 1 of 13 runs, big-None-1.0." in notices
    assert "with no whole number as params.seed: 1 of 13 runs, big-five-1.0." in notices
    assert len(content["trials"]) == 10


@pytest.mark.parametrize(
    ("value", "status", "reason"),
    [
        (None, "FINISHED", "it has no test_acc"),
        (math.nan, "FINISHED", "test_acc is nan"),
        (math.inf, "FINISHED", "test_acc is inf"),
        (0.9, "FAILED", "MLflow says FAILED"),
        (0.9, "KILLED", "MLflow says KILLED"),
    ],
)
def test_a_run_without_a_result_has_no_pair(
    value: float | None, status: str, reason: str, tmp_path: Path
) -> None:
    made, content = report(tmp_path, [*both(), run("big", 7, value, status=status)])
    assert content["contrasts"][0]["n"] == 5
    assert content["contrasts"][0]["left_out"] == 1
    assert any(reason in line for line in content["losses"])
    assert made.is_answered


def test_a_running_run_delays_the_verdict(tmp_path: Path) -> None:
    made, content = report(tmp_path, [*both(), run("big", 7, 0.9, status="RUNNING")])
    assert made.verdict.startswith("No verdict yet")
    assert not made.complete
    assert any("MLflow says that big-7-1.0 still runs" in note for note in content["notices"])


def test_the_newest_finished_run_of_a_cell_counts_and_the_others_are_named(tmp_path: Path) -> None:
    again = [run("big", 0, 0.5, start=5.0), run("big", 0, 0.1, status="KILLED", start=8.0)]
    _, content = report(tmp_path, both() + again)
    (counted,) = [t for t in content["trials"] if (t["variant"], t["seed"]) == ("big", 0)]
    assert counted["value"] == 0.5
    (note,) = [n for n in content["notices"] if n.startswith("Not counted: 2 runs")]
    assert note.endswith("the newest finished one counts: big-0-1.0, big-0-8.0.")


def test_blocks_are_kept_apart(tmp_path: Path) -> None:
    runs = [*both(data="mnist"), *both(data="digits")]
    naming = Naming("nets", "tags.model", "params.seed", "test_acc", block="tags.data")
    _, content = report(tmp_path, runs, naming)
    scopes = {c["block"] for c in content["contrasts"] if c["scope"] == "block"}
    assert scopes == {"mnist", "digits"}


def test_accuracy_in_per_cent_becomes_a_share(tmp_path: Path) -> None:
    shares = both()
    percents = [run(r.tags["model"], r.params["seed"], 100 * r.metrics["test_acc"]) for r in shares]
    _, content = report(tmp_path, percents)
    assert content["variants"][0]["mean"] == pytest.approx(np.mean(accuracies()["small"]))
    assert any("logged in per cent" in note for note in content["notices"])


def test_a_curve_is_drawn_if_it_is_named(tmp_path: Path) -> None:
    named = [r.__class__(**{**vars(r), "metrics": {**r.metrics, "val_acc": 0.9}}) for r in both()]
    curves = {r.run_id: (0.3, 0.6, 0.9) for r in named}
    naming = Naming(**{**vars(NAMING), "curve": "val_acc"})
    made, _ = report(tmp_path / "with", named, naming, **curves)
    bare, _ = report(tmp_path / "without", named)
    assert "Learning curves" in made.html.read_text("utf-8")
    assert "<h2>Learning curves" not in bare.html.read_text("utf-8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variant": "model"}, "--variant must be tags.NAME or params.NAME, got model"),
        ({"variant": "tags.modle"}, "--variant must be one of params.seed, tags.model; got"),
        ({"metric": "testacc"}, "--metric must be one of test_acc; got testacc"),
        ({"baseline": "tiny"}, "--baseline must be one of big, small; got tiny"),
        ({"kind": "equivalence"}, "--kind must be one of versus_baseline, best, got equivalence"),
        ({"kind": "versus_baseline", "baseline": ""}, "--baseline must name a variant"),
        ({"curve": "val_loss"}, "--curve must be an accuracy"),
        ({"curve": "val_acc"}, "--curve must be a metric of these runs, got val_acc"),
        ({"goal": "most"}, "--goal must be one of max, min, got most"),
        ({"unit": "points"}, "--unit must be one of share, percent, none, got points"),
        ({"runs": "leaves"}, "--runs must be one of parents, children, all, got leaves"),
        ({"runs": "children"}, "--runs must leave runs to compare, got children, of which none is"),
    ],
)
def test_invalid_options_are_refused(changes: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        report(tmp_path / "out", both(), Naming(**{**vars(NAMING), **changes}))
    assert not (tmp_path / "out").exists()


def test_an_empty_experiment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="experiment must hold runs, got none"):
        report(tmp_path, [])


# What ablab knows about its own trials, and nobody about others' runs.
UNKNOWN = (
    *("chosen on validation", "same split", "where shapes agree", "Hyper-parameters are fixed"),
    *("fixed hyper-parameters", "hardware", "of the plan", "excluded", "diverged"),
    *("FLOPs", "one training of", "Trained", "median over trials", "seconds", "test images"),
    *("of the sweep", "architecture", "validation"),
)


@pytest.mark.parametrize("baseline", ["small", ""])
@pytest.mark.parametrize("metric", ["test_acc", "test/accuracy", "loss"])
def test_the_report_claims_nothing_that_mlflow_does_not_record(
    metric: str, baseline: str, tmp_path: Path
) -> None:
    runs = [replace(r, metrics={metric: r.metrics["test_acc"], "val_acc": 0.9}) for r in both()]
    named = {"metric": metric, "baseline": baseline, "curve": "val_acc"}
    curves = {r.run_id: (0.3, 0.6, 0.9) for r in runs}
    made, _ = report(tmp_path, runs, Naming(**{**vars(NAMING), **named}), **curves)
    page = made.html.read_text("utf-8")
    words = re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    for text in (words, made.markdown.read_text("utf-8")):
        assert [word for word in UNKNOWN if word in text] == []
    assert "val_acc as logged, value by value." in words


def test_seeds_are_integers_in_any_spelling(tmp_path: Path) -> None:
    """Of any size and sign, and as pandas writes a column with missing values."""
    seeds = [("0.0", "0"), ("-1", "-1.0"), (str(2**63), f"{2**63}"), ("+3407", " 3407 ")]
    runs = [run(m, s[i], 0.9 + 0.01 * i) for s in seeds for i, m in enumerate(("small", "big"))]
    _, content = report(tmp_path, runs)
    assert content["contrasts"][0]["n"] == 4
    assert {t["seed"] for t in content["trials"]} == {0, -1, 2**63, 3407}


@pytest.mark.parametrize("seed", ["seed0", "1.5", "None", "", "1e3", "9" * 400, "²", "0x1"])
def test_a_seed_that_is_not_an_integer_is_refused(seed: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a whole number as params\.seed, got"):
        report(tmp_path, [run(m, seed, 0.9) for m in ("small", "big")])


def test_a_baseline_with_an_equals_sign_is_not_an_override(tmp_path: Path) -> None:
    runs = [run(m, s, 0.9 + 0.01 * s) for m in ("=1+1", "b=c") for s in SEEDS]
    made, content = report(tmp_path, runs, Naming(**{**vars(NAMING), "baseline": "=1+1"}))
    assert content["asked_with"] == ""
    assert "asked with" not in made.html.read_text("utf-8")


def test_without_a_baseline_the_question_is_which_is_best(tmp_path: Path) -> None:
    made, content = report(tmp_path, both(), Naming(**{**vars(NAMING), "baseline": ""}))
    assert content["kind"] == "best"
    assert content["question"] == "Which model has the highest test_acc?"
    assert "big is best" in made.verdict
