"""Sweeps that are too large are refused early; large ones are planned with progress messages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ablab.bounds import TRIALS
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.faults import ConfigError
from ablab.sweep import progress
from ablab.sweep.planning import plan_sweep
from ablab.sweep.spec import parse

GOOD: dict[str, Any] = {"question": "Which?", "kind": "best", "grid": {"activation": ["relu"]}}


def write(folder: Path, body: str) -> None:
    head = "# @package _global_\nsweep:\n  question: Which?\n  kind: best\n"
    (folder / "mine.yaml").write_text(head + body)


def fault(**change: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(GOOD | change)
    return caught.value.faults[0]


@pytest.mark.parametrize("seeds", [10**9, 10**18, 20_001, list(range(20_001))])
def test_seeds_are_bounded(seeds: Any):
    assert fault(seeds=seeds).startswith("sweep.seeds must be at most 20,000 trials (")


@pytest.mark.parametrize("kind", ["grid", "blocks"])
def test_product_is_bounded_before_it_is_expanded(kind: str):
    lists = {f"optimizer.{name}": list(range(900)) for name in ("lr", "eps", "a", "b", "c", "d")}
    change = {"grid": None, "variants": {"full": {}}} if kind == "blocks" else {}
    message = fault(**{**change, kind: lists})
    assert message == f"sweep.{kind} must {TRIALS.rule}, got {900**6:,}"


def test_variants_times_blocks_times_seeds_are_bounded():
    variants = {f"v{n}": {"optimizer.lr": n} for n in range(1, 11)}
    blocks = {f"b{n}": {"batch_size": n} for n in range(1, 3)}
    message = fault(grid=None, variants=variants, blocks=blocks, seeds=1001)
    assert message == f"sweep must {TRIALS.rule}, got 20,020"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "equivalence", "margin": float("inf")}, "sweep.margin must be a number > 0"),
        ({"kind": "equivalence", "margin": float("nan")}, "sweep.margin must be a number > 0"),
        ({"kind": "equivalence", "margin": 10**400}, "sweep.margin must be at most "),
        ({"target": float("nan")}, "sweep.target must be a validation accuracy"),
        ({"metric": "test/accuracy\n"}, "sweep.metric must be one of those that"),
        ({"question": "x" * 20_000}, "sweep.question must be at most 10,000 characters"),
        ({"grid": {7: [1]}}, "every key of sweep.grid must be text, got 7"),
        ({"exclude": [{None: 1}]}, "every key of sweep.exclude.0 must be text, got None"),
        (
            {"grid": {"data.shuffle": [1, "1"]}},
            "sweep.grid must have values that are written differently",
        ),
        ({"grid": {"freeze": ["x" * 200]}}, "a name of sweep.grid must be at most 100 characters"),
    ],
)
def test_invalid_value_is_named(change: dict[str, Any], message: str):
    assert fault(**change).startswith(message)


@pytest.mark.parametrize("name", ["", " x", "a\nb", "\x1b[31mred", "\u202ex", "x" * 101])
@pytest.mark.parametrize("kind", ["variants", "blocks"])
def test_name_that_cannot_label_a_column_is_refused(kind: str, name: str):
    change: dict[str, Any] = {"grid": None, "variants": {"full": {}}}
    change[kind] = {name: {"batch_size": 3}}
    message = fault(**change)
    assert f"sweep.{kind}" in message
    assert "\n" not in message


def test_question_is_one_line():
    assert parse(GOOD | {"question": "Which\n  is it?\n"}).question == "Which is it?"
    assert parse(GOOD | {"question": "\x1b[31mWhich?"}).question == "\\x1b[31mWhich?"
    spec = parse(GOOD | {"exclude": [{"activation": "relu", "reason": "a\nb\x07"}]})
    assert spec.exclude[0][1] == "a b\\x07"


def test_trials_of_several_seeds_equal_those_resolved_one_by_one(sweeps: Path):
    write(sweeps, "  seeds: 3\n  grid: {activation: [relu]}\n")
    plan = plan_sweep("mine")
    alone = [resolve(compose([f"seed={seed}"])) for seed in range(3)]
    assert [cell.key for cell in plan.cells] == [trial.key for trial in alone]
    assert [plan.trials[t.key]["config"] for t in alone] == [t.config for t in alone]


def test_value_that_refers_to_the_seed_differs_between_trials(sweeps: Path):
    write(sweeps, "  seeds: 3\n  grid: {activation: [relu]}\ndataset: {split_seed: '${seed}'}\n")
    plan = plan_sweep("mine")
    trials = [plan.trials[cell.key]["config"] for cell in plan.cells]
    assert [(t["seed"], t["dataset"]["split_seed"]) for t in trials] == [(0, 0), (1, 1), (2, 2)]


def test_variant_is_checked_once_for_all_seeds(sweeps: Path, monkeypatch: pytest.MonkeyPatch):
    checked = []

    def dry_build(config: Mapping[str, Any]) -> frozenset[str]:
        checked.append(config["seed"])
        return frozenset()

    monkeypatch.setattr("ablab.config.dry_build.dry_build", dry_build)
    write(sweeps, "  seeds: 5000\n  grid: {activation: [relu, tanh]}\n")
    monkeypatch.setattr("ablab.sweep.combine._check_distinct", lambda *_: None)
    messages: list[str] = []
    assert len(plan_sweep("mine", notify=messages.append).cells) == 10_000
    assert messages == ["10,000 trials are planned."]
    assert checked == [0, 0]


def test_many_combinations_are_announced_before_they_are_composed(sweeps: Path):
    values = ", ".join(str(n) for n in range(1, progress.MANY + 2))
    write(sweeps, f"  grid: {{optimizer.lr: [{values}]}}\n")
    messages: list[str] = []
    plan_sweep("mine", notify=messages.append)
    number = progress.MANY + 1
    assert messages[0] == f"{number} combinations are composed."
    assert f"{number} combinations are checked." in messages


def test_long_loop_reports_progress_every_few_seconds(monkeypatch: pytest.MonkeyPatch):
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    messages: list[str] = []
    assert list(progress.with_progress(range(8), "things are done", messages.append)) == list(
        range(8)
    )
    assert messages == ["2 of 8 things are done.", "5 of 8 things are done."]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("optimizr: {lr: 3}", "optimizr must be one of "),
        ("optimizer.lr: 0.5", "optimizer.lr must be one of "),
        ("trainer: {max_epoch: 7}", "trainer.max_epoch must be one of trainer."),
        ("trainer:", "trainer must be a mapping, got None"),
        ("optimizer: 3", "optimizer must be a mapping, got 3"),
        ("hydra: {verbose: true}", "hydra must be one of "),
        ("defaults: 3", "defaults must be a list of choices"),
        ("defaults: [dataset]", "defaults.0 must be a list of choices"),
        ("defaults: [{override /datset: mnist}]", "defaults.0 must be one of "),
        ("defaults: [{override /dataset: 3}]", "defaults.0 must be the name of a choice, got 3"),
        ("defaults: [{override /dataset: mnst}]", "dataset must be one of "),
    ],
)
def test_keys_of_a_yaml_beside_the_question_must_exist(sweeps: Path, body: str, message: str):
    write(sweeps, f"  grid: {{activation: [relu]}}\n{body}\n")
    with pytest.raises(ConfigError) as caught:
        plan_sweep("mine")
    assert caught.value.faults[0].startswith(message)


def test_override_may_set_a_sweep_key_that_the_yaml_leaves_out(sweeps: Path):
    write(sweeps, "  grid: {activation: [relu]}\n")
    assert len(plan_sweep("mine", ["sweep.seeds=3"]).cells) == 3
    with pytest.raises(ConfigError, match=r"sweep\.sedes must be one of .*did you mean seeds"):
        plan_sweep("mine", ["sweep.sedes=3"])
