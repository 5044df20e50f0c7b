"""Optuna's part of a search, compared with Optuna's own loop."""

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from searches import told

from ablab.sweep.tune.bayes import first_pruned, importance, tpe_values, write_studies
from ablab.sweep.tune.space import Range, Values
from ablab.tracking.search import Asked

LR = Range(1e-4, 1.0, log=True)
SPACE = {"lr": LR, "width": Range(1, 64, is_whole=True), "norm": Values(("none", "batch", None))}


def quadratic(values: dict[str, Any]) -> float:
    return -((math.log10(values["lr"]) + 2) ** 2) - abs(values["width"] - 20) / 64


def propose(known: list[Asked], number: int, *beside: Asked) -> dict[str, Any]:
    return tpe_values(SPACE, known, beside, seed=f"s/{number}", trials=30, goal="max")


def searched(trials: int) -> list[Asked]:
    known: list[Asked] = []
    for number in range(trials):
        values = propose(known, number)
        known.append(told(number, quadratic(values), **values))
    return known


def test_proposals_repeat_with_seed_and_history_and_lie_in_the_space():
    known = searched(12)
    assert known == searched(12)
    for asked in known:
        assert 1e-4 <= asked.values["lr"] <= 1.0
        assert isinstance(asked.values["width"], int)
        assert asked.values["norm"] in ("none", "batch", None)
    assert propose(known, 12) != propose(known, 13)
    assert propose(known, 12) != propose(known, 12, Asked(12, propose(known, 12), []))


def test_proposals_gather_where_the_figure_is_good():
    """The model's proposals are better than the random ones before it."""
    values = [asked.value for asked in searched(30)]
    first, last = values[:10], values[20:]
    assert sum(v for v in last if v is not None) > sum(v for v in first if v is not None)


def test_failed_pruned_and_diverged_trials_do_not_stop_a_search():
    known = searched(12)
    for asked, state in zip(known, ("failed", "diverged", "pruned"), strict=False):
        asked.state, asked.value, asked.curve = state, None, [0.1, math.nan]
    assert propose(known, 12)


def curves(*values: list[float]) -> list[Asked]:
    found = [told(n, each[-1], lr=0.1) for n, each in enumerate(values)]
    for asked, curve in zip(found, values, strict=True):
        asked.curve = curve
    return found


@pytest.mark.parametrize("pruning", ["median", "halving"])
@pytest.mark.parametrize("goal", ["max", "min"])
def test_trials_are_pruned_where_optuna_prunes_them(pruning: str, goal: str):
    """Each trial in turn: Optuna's study, which reports every epoch, against the record."""
    pruner: Any = optuna.pruners.MedianPruner(n_warmup_steps=3)
    if pruning == "halving":
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1)
    direction = "maximize" if goal == "max" else "minimize"
    study = optuna.create_study(direction=direction, pruner=pruner)
    space, known, pruned = {"lr": LR}, list[Asked](), 0
    for number in range(24):
        best = ((number * 7) % 24) / 24
        curve = [best * (1 - 0.5**epoch) for epoch in range(1, 10)]
        trial, expected = study.ask(), None
        for epoch, value in enumerate(curve, start=1):
            trial.report(value, epoch)
            if trial.should_prune():
                expected = epoch
                break
        options = {"pruning": pruning, "goal": goal, "warmup": 3}
        assert first_pruned(space, known, curve, **options) == expected
        (asked,) = curves(curve[:expected])
        asked.number = number
        if expected is not None:
            pruned += 1
            asked.state, asked.value = "pruned", None
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, curve[-1])
        known.append(asked)
    assert 3 < pruned < 24


def test_trial_that_is_not_yet_pruned_may_go_on():
    known = curves(*([0.5, 0.6, 0.7] for _ in range(6)))
    median = {"pruning": "median", "goal": "max"}
    assert first_pruned({"lr": LR}, known, [0.6], **median) is None
    assert first_pruned({"lr": LR}, known, [0.6, 0.6, 0.6], **median) == 3
    assert first_pruned({"lr": LR}, known, [0.1], **median) == 1
    assert first_pruned({"lr": LR}, known, [0.1, 0.1], **median, warmup=2) == 2
    assert first_pruned({"lr": LR}, known, [], pruning="halving", goal="max") is None


def test_importance_names_the_key_that_matters():
    space = {"lr": LR, "width": Range(1, 64, is_whole=True)}
    known = [
        told(n, math.log10(lr) + 0.001 * width, lr=lr, width=width)
        for n, (lr, width) in enumerate(
            (10 ** -((n * 7 % 20) / 5), 1 + (n * 13) % 64) for n in range(20)
        )
    ]
    shares = importance(space, known, "max")
    assert shares["lr"] > 0.9
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares == importance(space, known, "max")
    assert importance(space, known[:1], "max") == {}
    assert importance({"lr": LR}, [told(0, 1.0, lr=0.1), told(1, 2.0, lr=0.2)], "max") == {}


def test_studies_are_written_for_optuna_to_load_and_replace_earlier_ones(tmp_path: Path):
    path, known = tmp_path / "optuna.log", searched(3)
    known[1].state, known[1].value = "failed", None
    write_studies(path, {"one": (SPACE, known[:1], "max")})
    write_studies(path, {"one": (SPACE, known, "max"), "two": (SPACE, known[:1], "min")})
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    assert {s.study_name for s in optuna.get_all_study_summaries(storage)} == {"one", "two"}
    study = optuna.load_study(study_name="one", storage=storage)
    assert [trial.params for trial in study.trials] == [dict(asked.values) for asked in known]
    assert study.trials[1].state == optuna.trial.TrialState.FAIL
    values = [asked.value for asked in known if asked.value is not None]
    assert study.best_value == max(values)
    assert [path.name for path in tmp_path.iterdir()] == ["optuna.log"]


@pytest.mark.parametrize("pruning", ["median", "halving"])
def test_trial_whose_loss_is_nan_is_pruned_without_a_warning(pruning: str):
    """Optuna's median warns, which is an error in these tests; see findings."""
    known = curves(*([0.5, 0.6, 0.7] for _ in range(6)))
    assert first_pruned({"lr": LR}, known, [math.nan], pruning=pruning, goal="min") == 1
