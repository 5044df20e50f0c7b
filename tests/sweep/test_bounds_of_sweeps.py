"""A sweep of any size is refused before it takes memory or time, or planned without delay."""

from pathlib import Path
from typing import Any

import pytest

from ablab.bounds import TRIALS
from ablab.config.compose import compose
from ablab.config.trial import resolve
from ablab.faults import ConfigError
from ablab.sweep import counted
from ablab.sweep.planning import draft
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
def test_product_is_bounded_before_it_is_made(kind: str):
    lists = {f"optimizer.{name}": list(range(900)) for name in ("lr", "eps", "a", "b", "c", "d")}
    change = {"grid": None, "variants": {"full": {}}} if kind == "blocks" else {}
    told = fault(**{**change, kind: lists})
    assert told == f"sweep.{kind} must {TRIALS.rule}, got {900**6:,}"


def test_variants_times_blocks_times_seeds_are_bounded():
    variants = {f"v{n}": {"optimizer.lr": n} for n in range(1, 11)}
    blocks = {f"b{n}": {"batch_size": n} for n in range(1, 3)}
    told = fault(grid=None, variants=variants, blocks=blocks, seeds=1001)
    assert told == f"sweep must {TRIALS.rule}, got 20,020"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "equivalence", "margin": float("inf")}, "sweep.margin must be a number > 0"),
        ({"kind": "equivalence", "margin": float("nan")}, "sweep.margin must be a number > 0"),
        ({"kind": "equivalence", "margin": 10**400}, "sweep.margin must be at most "),
        ({"target": float("nan")}, "sweep.target must be a validation accuracy"),
        ({"metric": "test/accuracy\n"}, "sweep.metric must be a metric such as test/accuracy"),
        ({"question": "x" * 20_000}, "sweep.question must be at most 10,000 characters"),
        ({"grid": {7: [1]}}, "every key of sweep.grid must be text, got 7"),
        ({"exclude": [{None: 1}]}, "every key of sweep.exclude.0 must be text, got None"),
        (
            {"grid": {"data.shuffle": [1, "1"]}},
            "sweep.grid must have values that are written apart",
        ),
        ({"grid": {"freeze": ["x" * 200]}}, "a name of sweep.grid must be at most 100 characters"),
    ],
)
def test_value_out_of_any_sense_is_named(change: dict[str, Any], told: str):
    assert fault(**change).startswith(told)


@pytest.mark.parametrize("name", ["", " x", "a\nb", "\x1b[31mred", "\u202ex", "x" * 101])
@pytest.mark.parametrize("kind", ["variants", "blocks"])
def test_name_that_cannot_be_a_column_is_told(kind: str, name: str):
    change: dict[str, Any] = {"grid": None, "variants": {"full": {}}}
    change[kind] = {name: {"batch_size": 3}}
    told = fault(**change)
    assert f"sweep.{kind}" in told
    assert "\n" not in told


def test_question_is_one_line():
    assert parse(GOOD | {"question": "Which\n  is it?\n"}).question == "Which is it?"
    assert parse(GOOD | {"question": "\x1b[31mWhich?"}).question == "\\x1b[31mWhich?"
    spec = parse(GOOD | {"exclude": [{"activation": "relu", "reason": "a\nb\x07"}]})
    assert spec.exclude[0][1] == "a b\\x07"


def test_seeds_are_the_trials_that_they_would_be_one_by_one(sweeps: Path):
    write(sweeps, "  seeds: 3\n  grid: {activation: [relu]}\n")
    plan = draft("mine")
    alone = [resolve(compose([f"seed={seed}"])) for seed in range(3)]
    assert [cell.key for cell in plan.cells] == [trial.key for trial in alone]
    assert [plan.trials[t.key]["config"] for t in alone] == [t.config for t in alone]


def test_value_that_follows_the_seed_is_another_in_each_trial(sweeps: Path):
    write(sweeps, "  seeds: 3\n  grid: {activation: [relu]}\ndataset: {split_seed: '${seed}'}\n")
    plan = draft("mine")
    trials = [plan.trials[cell.key]["config"] for cell in plan.cells]
    assert [(t["seed"], t["dataset"]["split_seed"]) for t in trials] == [(0, 0), (1, 1), (2, 2)]


def test_a_variant_is_checked_once_for_all_its_seeds(sweeps: Path, monkeypatch: pytest.MonkeyPatch):
    from ablab.config import trial

    checked = []
    monkeypatch.setattr(trial, "dry_build", lambda config: checked.append(config["seed"]))
    write(sweeps, "  seeds: 5000\n  grid: {activation: [relu, tanh]}\n")
    monkeypatch.setattr("ablab.sweep.combine._check_distinct", lambda *_: None)
    said: list[str] = []
    assert len(draft("mine", say=said.append).cells) == 10_000
    assert said == ["10,000 trials are planned."]
    assert checked == [0, 0]


def test_many_combinations_are_announced_at_once(sweeps: Path):
    values = ", ".join(str(n) for n in range(1, counted.MANY + 2))
    write(sweeps, f"  grid: {{optimizer.lr: [{values}]}}\n")
    said: list[str] = []
    draft("mine", say=said.append)
    number = counted.MANY + 1
    assert said[0] == f"{number} combinations are composed."
    assert f"{number} combinations are checked." in said


def test_long_work_is_told_of_every_few_seconds(monkeypatch: pytest.MonkeyPatch):
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(counted.time, "monotonic", lambda: float(next(clock)))
    said: list[str] = []
    assert list(counted.counted(range(8), "things are done", said.append)) == list(range(8))
    assert said == ["2 of 8 things are done.", "5 of 8 things are done."]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("optimizr: {lr: 3}", "optimizr must be one of "),
        ("optimizer.lr: 0.5", "optimizer.lr must be one of "),
        ("trainer: {max_epoch: 7}", "trainer.max_epoch must be one of trainer."),
        ("trainer:", "trainer must be keys and values, got None"),
        ("optimizer: 3", "optimizer must be keys and values, got 3"),
        ("hydra: {verbose: true}", "hydra must be one of "),
        ("defaults: 3", "defaults must be a list of choices"),
        ("defaults: [dataset]", "defaults.0 must be a list of choices"),
        ("defaults: [{override /datset: mnist}]", "defaults.0 must be one of "),
        ("defaults: [{override /dataset: 3}]", "defaults.0 must be the name of a choice, got 3"),
        ("defaults: [{override /dataset: mnst}]", "dataset must be one of "),
    ],
)
def test_what_a_yaml_says_beside_the_question_must_set_something(
    sweeps: Path, body: str, told: str
):
    write(sweeps, f"  grid: {{activation: [relu]}}\n{body}\n")
    with pytest.raises(ConfigError) as caught:
        draft("mine")
    assert caught.value.faults[0].startswith(told)


def test_question_may_be_set_where_the_yaml_is_silent(sweeps: Path):
    write(sweeps, "  grid: {activation: [relu]}\n")
    assert len(draft("mine", ["sweep.seeds=3"]).cells) == 3
    with pytest.raises(ConfigError, match=r"sweep\.sedes must be one of .*did you mean seeds"):
        draft("mine", ["sweep.sedes=3"])
