"""Searches from their first ask to the comparison, with real plans and fake trials."""

import io
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import FakeLauncher, diverge, fail, keep_running
from rich.console import Console
from searches import (
    BODY,
    GRID,
    RANDOM,
    TPE,
    finish,
    history,
    lines,
    plan_of,
    records,
    sweep,
    train_epoch,
    write,
)

from ablab.errors import InputError
from ablab.faults import ConfigError
from ablab.sweep.console.status import status
from ablab.sweep.planning import plan_sweep
from ablab.sweep.selection import Selection
from ablab.tracking.completion import write_completion
from ablab.tracking.files import DamagedError
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.search import SEARCH

Make = Callable[..., FakeLauncher]


def test_winners_are_frozen_into_the_plan_and_compared_on_other_seeds(make: Make, lab: Lab):
    launcher = make(GRID)
    code, text = sweep()
    assert code == 0
    assert "tuning: 6 trials (grid) for each of 2 variants and blocks, 12 in all" in text
    assert "best for relu in digits · mlp: optimizer.lr=0.1 batch_size=32" in text
    plan = plan_of(lab)
    assert [part.kind for part in plan.parts] == ["comparison"]
    configs = {(c.variant, c.seed): plan.trials[c.key]["config"] for c in plan.cells}
    assert {key: (c["optimizer"]["lr"], c["batch_size"]) for key, c in configs.items()} == {
        **{("relu", seed): (0.1, 32) for seed in range(3)},
        **{("tanh", seed): (1.0, 32) for seed in range(3)},
    }
    assert {c["trainer"]["max_epochs"] for c in configs.values()} == {3}
    chosen = {each["variant"]: each for each in plan.spec.tune["chosen"]}
    assert chosen["tanh"]["edges"] == ["optimizer.lr", "batch_size"]
    assert chosen["relu"]["edges"] == ["batch_size"]
    assert len(launcher.attempts) == 12 + 6


def test_each_variant_has_the_same_budget_on_seeds_of_tuning_alone(make: Make, lab: Lab):
    make(RANDOM.replace("trials: 4", "trials: 4, seeds: 2, epochs: 2"))
    sweep()
    for record in records(lab).values():
        assert len(record.told) == 4
        trials = [trial["config"] for asked in record.asked for trial in asked.trials]
        assert [t["seed"] for t in trials] == [9000, 9001] * 4
        assert {t["trainer"]["max_epochs"] for t in trials} == {2}
    plan = plan_of(lab)
    assert not {cell.key for cell in plan.tuning} & {cell.key for cell in plan.cells}


@pytest.mark.parametrize("tune", [RANDOM, TPE])
def test_search_begins_at_the_configurations_own_values(make: Make, lab: Lab, tune: str):
    make(tune)
    sweep("sweep.seeds=1")
    for record in records(lab).values():
        assert record.asked[0].values == {"optimizer.lr": 0.1}
        assert 0.1 not in [asked.values["optimizer.lr"] for asked in record.asked[1:]]


def test_own_values_outside_the_space_are_not_tried(make: Make, lab: Lab):
    make(RANDOM.replace("high: 1.0", "high: 0.09"))
    sweep("sweep.seeds=1")
    for record in records(lab).values():
        assert all(asked.values["optimizer.lr"] <= 0.09 for asked in record.asked)


def test_choice_looks_at_validation_alone(make: Make, lab: Lab):
    """The fakes' test accuracy is best where their validation accuracy is worst."""
    launcher = make(GRID)

    def finish_with_opposite_test(run: Run) -> int:
        status = finish(run)
        completion = run.completion
        assert completion is not None
        metrics = {**completion.metrics, "test/accuracy": 1 - completion.metrics["val/accuracy"]}
        write_completion(run.folder, replace(completion, metrics=metrics))
        return status

    launcher.default = finish_with_opposite_test
    sweep()
    for record in records(lab).values():
        assert record.definition["metric"] == "val/accuracy"
        assert record.chosen is not None
        values = [asked.value for asked in record.asked if asked.value is not None]
        assert record.chosen["value"] == max(values) > min(values)


def test_repeated_command_asks_and_trains_nothing(make: Make, lab: Lab):
    launcher = make(RANDOM)
    sweep()
    before, parts = lines(lab), len(list(lab.sweep_folder("mine").glob("part-*.json")))
    launcher.attempts.clear()
    code, _ = sweep()
    assert code == 0
    assert not launcher.attempts
    assert lines(lab) == before
    assert len(list(lab.sweep_folder("mine").glob("part-*.json"))) == parts


@pytest.mark.parametrize("tune", [TPE, GRID.replace("grid", "one_at_a_time")])
def test_history_does_not_depend_on_the_number_of_slots(
    make: Make, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tune: str
):
    at_once = tune.replace("{method", "{at_once: 3, method")
    make(at_once, slots=1)
    sweep()
    one = history(lab)
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "other"))
    make(at_once, slots=5)
    sweep()
    assert history(Lab(tmp_path / "other")) == one
    assert all(state == "finished" for asked in one.values() for _, _, state, _, _ in asked)


class Killed(BaseException):
    """Stands for a SIGKILL at a write of the record."""


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_search_killed_at_any_write_has_the_history_of_an_undisturbed_one(
    make: Make, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_after: bool
):
    """Killed at every write, just before or after it, in the phases of ask, tell and choice."""
    make(TPE)
    draft = plan_sweep("mine")
    monkeypatch.setattr("ablab.sweep.engine.plan_sweep", lambda *_: draft)
    sweep()
    whole, kinds = history(lab), lines(lab)
    append, writes, kills = Journal.append, 0, 0

    def dying(journal: Journal, entry: Entry) -> None:
        nonlocal writes, kills
        is_search = journal.path.name == SEARCH
        writes += is_search
        is_killed = is_search and writes == (1 if is_after else 2)  # each command writes a line
        if is_after or not is_killed:
            append(journal, entry)
        if is_killed:
            kills += 1
            raise Killed

    monkeypatch.setattr(Journal, "append", dying)
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "killed"))
    for _ in range(len(kinds) + 1):
        writes = 0
        try:
            code, _ = sweep()
            break
        except Killed:
            pass
    killed = Lab(tmp_path / "killed")
    assert code == 0
    assert kills >= len(kinds) - 1
    assert history(killed) == whole
    assert sorted(lines(killed)) == sorted(kinds)
    assert all(len(killed.runs(key)) == 1 for key in killed.keys())  # noqa: SIM118


@pytest.mark.parametrize("pruning", ["median", "halving"])
def test_pruned_trials_are_stopped_and_finished_for_their_search_alone(
    make: Make, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pruning: str
):
    """What is recorded does not depend on how soon a trial is stopped: some never are."""
    tune = RANDOM.replace("trials: 4", f"trials: 9, epochs: 6, pruning: {pruning}")
    make(tune)
    sweep()
    whole, launcher = history(lab), make(tune)

    def epoch_by_epoch(run: Run) -> int | None:
        worker = next(w for w in reversed(launcher.workers) if w.run.folder == run.folder)
        if "stop" in worker.signals:
            return 143
        return finish(run) if train_epoch(run) else None

    launcher.default = epoch_by_epoch
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "stopped"))
    code, text = sweep()
    assert code == 0
    stopped = Lab(tmp_path / "stopped")
    assert history(stopped) == whole
    states = [asked.state for record in records(stopped).values() for asked in record.asked]
    assert 0 < states.count("pruned") < len(states) - 2
    assert f"{states.count('pruned')} pruned" in text
    unfinished = [cell for cell in plan_of(stopped).tuning if stopped.finished(cell.key) is None]
    assert len(unfinished) == states.count("pruned")
    assert all(stopped.finished(cell.key) for cell in plan_of(stopped).cells)


def test_interrupted_search_goes_on_with_its_trial(make: Make, lab: Lab):
    launcher = make(RANDOM)
    sweep()
    whole = history(lab)
    launcher.attempts.clear()
    (lab.sweep_folder("mine") / SEARCH).unlink()
    for run in [run for key in lab.keys() for run in lab.runs(key)]:  # noqa: SIM118
        (run.folder / "completion.json").unlink()
    launcher.default = keep_running
    launcher.on_wait = lambda: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)]
    code, text = sweep()
    assert code == 130
    assert "The same command continues the search where it stopped." in text
    assert lines(lab).count("ask") == 2
    assert lines(lab).count("tell") == 0
    launcher.default, launcher.on_wait = finish, lambda: None
    assert sweep()[0] == 0
    assert history(lab) == whole


def test_changed_space_begins_other_searches_and_another_comparison(
    make: Make, lab: Lab, sweeps: Path
):
    make(GRID)
    sweep()
    write(sweeps, GRID.replace("1.0]", "2.0]"))
    _, text = sweep()
    assert "a new comparison begins" in text
    assert len([k for k in lines(lab) if k == "search"]) == 4


def test_added_variant_is_searched_alone(make: Make, lab: Lab, sweeps: Path):
    launcher = make(GRID)
    sweep()
    launcher.attempts.clear()
    write(sweeps, GRID, BODY.replace("  tune:", "    elu: {activation: elu}\n  tune:"))
    _, text = sweep()
    assert len(launcher.attempts) == 6 + 3
    assert "The plan is extended by 3 trials." in text
    chosen = {each["variant"] for each in plan_of(lab).spec.tune["chosen"]}
    assert chosen == {"relu", "tanh", "elu"}


def test_diverged_trials_are_never_chosen_and_failed_ones_are_counted(make: Make, lab: Lab):
    launcher = make(GRID)
    outcomes = iter([diverge, fail])

    def mixed(run: Run) -> int:
        return next(outcomes, finish)(run) or 0

    launcher.slots, launcher.default = 1, mixed
    code, text = sweep()
    assert code == 0
    states = [asked.state for record in records(lab).values() for asked in record.asked]
    assert sorted(set(states)) == ["diverged", "failed", "finished"]
    assert len(states) == 12
    assert "failed" in text
    for record in records(lab).values():
        assert record.chosen is not None
        assert record.asked[record.chosen["number"]].state == "finished"


def test_hopeless_search_stops_early_and_the_same_command_tries_again(make: Make, lab: Lab):
    launcher = make(GRID)
    launcher.default = lambda run: (
        fail(run) if "Tanh" in run.trial["config"]["activation"]["_target_"] else finish(run)
    )
    code, text = sweep()
    assert code == 1
    assert "The search for tanh in digits · mlp was given up: 3 of 3 trials failed" in text
    assert len(launcher.attempts) == 6 + 3
    launcher.default = finish
    assert sweep()[0] == 0
    assert all(len(record.told) == 6 for record in records(lab).values())


def test_only_one_process_searches_a_sweep(make: Make, lab: Lab):
    from filelock import FileLock

    make(GRID)
    folder = lab.sweep_folder("mine")
    folder.mkdir(parents=True)
    with FileLock(folder / ".search.lock"), pytest.raises(InputError, match="one process at a"):
        sweep()


def test_damaged_record_names_its_remedy(make: Make, lab: Lab):
    make(GRID)
    sweep()
    path = lab.sweep_folder("mine") / SEARCH
    path.write_text(path.read_text().replace("optimizer", "optimiser", 1))
    with pytest.raises(DamagedError, match="command searches again"):
        sweep()
    path.unlink()
    code, text = sweep()
    assert code == 0
    assert "0 trained now" in text


def test_faults_of_the_space_are_known_before_anything_is_written(make: Make, tmp_path: Path):
    space = "{optimizer.lrr: [1, 2], optimizer.lr: [0.1, -1.0]}"
    make(f"{{method: random, trials: 2, space: {space}}}")
    with pytest.raises(ConfigError, match=r"optimizer\.lrr must be one of"):
        sweep()
    make("{method: random, trials: 2, space: {optimizer.lr: [0.1, -1.0]}}")
    with pytest.raises(ConfigError, match=r"optimizer"):
        sweep()
    assert not (tmp_path / "lab/sweeps").exists()


def test_dry_run_forecasts_the_tuning_trials_and_writes_nothing(make: Make, tmp_path: Path):
    launcher = make(GRID)
    code, text = sweep(dry_run=True)
    assert code == 0
    assert "12 in all, 12 to train; about" in text
    assert "6 trials: 0 finished, 6 to train" in text
    assert not launcher.attempts
    assert not (tmp_path / "lab/sweeps").exists()


def test_dry_run_of_a_tuned_sweep_shows_its_own_trials(make: Make):
    make(GRID)
    sweep()
    _, text = sweep(dry_run=True)
    assert "12 in all, 0 to train" in text
    assert "6 trials: 6 finished, 0 to train" in text


def test_search_without_a_comparison_prints_the_best_setting_as_overrides(make: Make, lab: Lab):
    body = BODY[: BODY.index("  kind")] + "  search: {tune}\n"
    launcher = make(GRID, body=body)
    code, text = sweep()
    assert code == 0
    assert "search: 6 trials (grid), 6 in all, 6 to train" in text
    assert "best for search: optimizer.lr=0.1 batch_size=32  val/accuracy 90.00 %" in text
    assert len(launcher.attempts) == 6
    plan = plan_of(lab)
    assert [part.kind for part in plan.parts] == ["tuning"]
    assert plan.cells == ()
    assert len(plan.tuning) == 6
    launcher.attempts.clear()
    code, text = sweep()
    assert code == 0
    assert not launcher.attempts
    assert "best for search: optimizer.lr=0.1 batch_size=32" in text


def test_status_shows_each_search_and_its_best_setting(make: Make, lab: Lab):
    def printed(name: str | None) -> str:
        console = Console(file=io.StringIO(), width=200)
        assert status(name, [], console, lab)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    launcher = make(GRID)
    launcher.slots = 1
    launcher.on_wait = lambda: os.kill(os.getpid(), signal.SIGINT)
    assert sweep()[0] == 130
    assert "1/12" in printed(None)
    text = printed("mine")
    assert "tuning relu in digits · mlp: 1 of 6 tried; best batch_size=32 optimizer.lr=0.01" in text
    assert "tuning tanh in digits · mlp: 0 of 6 tried\n" in text
    launcher.on_wait = lambda: None
    sweep()
    assert "tuning tanh in digits · mlp: 6 of 6 tried; best" in printed("mine")
    assert "6 of 6 done" in printed("mine")


def test_override_of_a_searched_key_is_refused(make: Make):
    make(GRID)
    with pytest.raises(ConfigError, match=r"optimizer\.lr must be left to the sweep"):
        sweep("optimizer.lr=0.5")


def test_searches_are_in_mlflow_as_tuning_and_apart_from_the_comparison(make: Make, lab: Lab):
    from ablab.tracking.store import Store
    from ablab.tracking.sync import sync

    make("{method: grid, space: {optimizer.lr: [0.1, 1.0]}}")
    assert sweep("sweep.seeds=1", offline=False)[0] == 0
    store = Store.open(lab)
    found = store.client.search_runs([store.experiment("mine")], "tags.`ablab.kind` = 'trial'")
    tuning = [run.data.tags for run in found if "tuning" in run.data.tags]
    assert (len(found), len(tuning)) == (4 + 2, 4)
    assert {tags["variant"] for tags in tuning} == {"relu (tuning)", "tanh (tuning)"}
    assert {int(tags["tuning"]) for tags in tuning} == {1, 2}
    assert sync(lab, store).failed == {}
    again = store.client.search_runs([store.experiment("mine")], "tags.`ablab.kind` = 'trial'")
    assert len(again) == len(found)


def test_part_of_a_sweep_is_chosen_once_it_is_tuned(make: Make, lab: Lab):
    launcher = make(GRID)
    selection = Selection(max_trials=1)
    with pytest.raises(ConfigError, match="must be chosen once its search is done"):
        sweep(selection=selection)
    assert not launcher.attempts
    sweep("sweep.seeds=1")
    launcher.attempts.clear()
    assert sweep(selection=selection)[0] == 0
    assert len(launcher.attempts) == 1


def test_tuned_sweep_looks_at_growing_numbers_of_seeds(make: Make, lab: Lab):
    """The fakes' test accuracy is noise, so that no contrast is decided at a look."""
    from ablab.report import interim

    body = BODY.replace("seeds: 3", "seeds: {first: 3, then: [4, 5], until: decided}")
    launcher = make(GRID, body=body)
    code, text = sweep(statistics=interim)
    assert code == 0, text
    plan = plan_of(lab)
    assert [part.kind for part in plan.parts] == ["comparison", "look", "look"]
    assert {cell.seed for cell in plan.cells} == {0, 1, 2, 3, 4}
    rates = {plan.trials[c.key]["config"]["optimizer"]["lr"] for c in plan.cells if c.seed == 4}
    assert rates == {0.1, 1.0}
    launcher.attempts.clear()
    assert sweep(statistics=interim)[0] == 0
    assert not launcher.attempts
