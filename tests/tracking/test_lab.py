"""The lab: runs, their locks and status, and which run reports use."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from recorded import BEGUN, begin, finish, trial

from ablab.tracking.completion import COMPLETION, read_completion
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab


def test_the_environment_variable_sets_the_lab(tmp_path: Path) -> None:
    assert Lab.open().root == tmp_path / "lab"
    assert (tmp_path / "lab" / "lab.json").is_file()


def test_a_new_run_does_not_change_the_old_one(lab: Lab) -> None:
    first, second = lab.new_run(trial()), lab.new_run(trial(seed=4))
    assert (first.number, second.number) == ("001", "002")
    assert first.trial == trial()
    assert [run.number for run in lab.runs("a1b2")] == ["001", "002"]


def test_runs_created_at_once_have_different_numbers(lab: Lab) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: lab.new_run(trial()), range(8)))
    assert len({run.number for run in runs}) == 8


def test_the_newest_finished_run_is_used(lab: Lab) -> None:
    assert lab.finished("a1b2") is None
    first = begin(lab)
    finish(first)
    begin(lab)
    assert lab.finished("a1b2") == first
    third = begin(lab)
    finish(third)
    assert lab.finished("a1b2") == third
    third.discard("the user deleted its run")
    assert lab.finished("a1b2") == first
    assert (third.folder / COMPLETION).exists()


def test_a_run_is_locked_while_another_holds_it(lab: Lab) -> None:
    run = begin(lab)
    assert not run.is_locked()
    with run.lock():
        assert run.is_locked()
        code = "import sys; from pathlib import Path; from ablab.tracking.run import Run;"
        code += "print(Run(Path(sys.argv[1])).is_locked())"
        command = [sys.executable, "-c", code, str(run.folder)]
        assert subprocess.run(command, capture_output=True, check=True).stdout == b"True\n"
    assert not run.is_locked()


def test_the_status_is_read_from_the_files(lab: Lab) -> None:
    assert lab.new_run(trial("fresh")).status() == "new"
    run = begin(lab, epochs=1)
    assert run.status() == "stopped"
    with run.lock():
        assert run.status() == "running"
    Journal(run.journal).append(Entry("failed", BEGUN + 9))
    assert run.status() == "failed"
    Journal(run.journal).append(Entry("attempt", BEGUN + 10))
    assert run.status() == "stopped"
    finish(run, "diverged")
    assert run.status() == "diverged"


def test_sweeps_are_folders_with_a_plan(lab: Lab) -> None:
    for name in ("b", "a", "empty"):
        lab.sweep_folder(name).mkdir(parents=True)
    for name in ("b", "a"):
        (lab.sweep_folder(name) / "part-001.json").write_text("{}")
    assert lab.sweeps() == ["a", "b"]


@pytest.mark.parametrize("damage", ["{", "[1]", '{"schema": 99}', '{"key": "k"}', "null"])
def test_an_invalid_completion_record_is_none(lab: Lab, damage: str) -> None:
    run = begin(lab)
    finish(run)
    (run.folder / COMPLETION).write_text(damage)
    assert run.completion is None


def test_a_missing_or_changed_artifact_invalidates_the_completion_record(lab: Lab) -> None:
    run = begin(lab)
    finish(run)
    path = run.folder / "per_class.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert run.completion is None
    path.write_bytes(whole[:-1] + b"x")
    assert run.completion is None
    assert str(path) in run.damage()
    assert read_completion(run.folder, thorough=True) is None
    path.write_bytes(whole)
    assert read_completion(run.folder, thorough=True) is not None
    path.unlink()
    assert run.completion is None


def test_keys_are_listed_in_order(lab: Lab) -> None:
    assert list(lab.keys()) == []
    for key in ("b", "a"):
        lab.new_run(trial(key))
    assert list(lab.keys()) == ["a", "b"]
    assert os.listdir(lab.root / "trials")


def test_asking_for_the_lock_writes_no_file(lab: Lab) -> None:
    run = lab.new_run({"key": "a"})
    before = sorted(path.name for path in run.folder.iterdir())
    assert not run.is_locked()
    assert sorted(path.name for path in run.folder.iterdir()) == before


def test_folder_without_a_trial_after_a_kill_is_reused(lab: Lab) -> None:
    first = lab.new_run({"key": "a"})
    (lab.root / "trials" / "a" / "002").mkdir()
    (lab.root / "trials" / "a" / "002" / ".trial.json.999999").touch()
    assert [run.number for run in lab.runs("a")] == [first.number]
    assert lab.new_run({"key": "a"}).number == "002"
    assert [run.number for run in lab.runs("a")] == ["001", "002"]
