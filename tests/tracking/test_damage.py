"""Records that were changed since they were written are damaged, and named."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded import begin, epoch, finish, trial

from ablab.tracking.baselines import Baselines, read_baselines, write_baselines
from ablab.tracking.completion import COMPLETION, checked_completion, read_completion
from ablab.tracking.damage import damaged_runs, find_damage
from ablab.tracking.files import DamagedError, read_json, write_json
from ablab.tracking.journal import Journal, JournalError, read_entries
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, find_plan, read_plan, read_plans, write_part
from ablab.tracking.records import read_record, record_of
from ablab.tracking.run import Run
from ablab.tracking.sealed import checksum, read_sealed, write_sealed
from ablab.tracking.spec import Spec


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "content",
    [
        {"a": 1, "b": [1.5, None, "ü 🙂"]},
        {"nan": float("nan"), "inf": float("-inf"), "tiny": 5e-324},
        {"tuple": (1, (2, 3)), "deep": {"x": {"y": {}}}},
        {"surrogate": "\udcff", "nul": "\0"},
        {},
    ],
)
def test_a_sealed_record_is_read_as_written(tmp_path: Path, content: dict[str, object]) -> None:
    write_sealed(tmp_path / "r.json", content)
    record = read_sealed(tmp_path / "r.json")
    assert record is not None
    assert checksum(record) == checksum(content)


def test_every_changed_byte_of_a_completion_record_is_detected(lab: Lab) -> None:
    run = begin(lab)
    finish(run)
    path = run.folder / COMPLETION
    whole = path.read_bytes()
    undamaged = checked_completion(run.folder)
    for index in range(len(whole)):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 1]) + whole[index + 1 :])
        if whole[index : index + 1].isspace() and read_completion(run.folder) == undamaged:
            continue  # white space for white space
        with pytest.raises(DamagedError, match=re.escape(str(path))):
            checked_completion(run.folder)
    path.write_bytes(whole)
    assert checked_completion(run.folder) == undamaged


def test_only_a_completion_record_of_schema_1_may_lack_a_checksum(lab: Lab) -> None:
    run = begin(lab)
    finish(run)
    path = run.folder / COMPLETION
    content = read_json(path)
    del content["sha256"]
    write_json(path, content)
    assert "checksum" in run.damage()
    write_json(path, content | {"schema": 1})
    assert run.damage() == ""
    assert run.completion is not None
    assert run.completion.metrics["test/accuracy"] == 0.75
    assert run.status() == "finished"


def test_a_record_of_another_run_is_refused(lab: Lab) -> None:
    first, second = begin(lab), begin(lab, key="other")
    for run in (first, second):
        finish(run)
    (first.folder / COMPLETION).write_bytes((second.folder / COMPLETION).read_bytes())
    assert first.completion is None
    assert "must be the record of a1b2/001, got that of other/001" in first.damage()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (COMPLETION, "0.75", "0.95"),
        ("trial.json", '"lr": 0.1', '"lr": 0.2'),
        ("environment.json", '"c0"', '"c1"'),
        ("config.yaml", "seed: 3", "seed: 4"),
        ("journal.jsonl", "epoch", "epocX"),
        ("per_class.csv", "b,0.5", "b,0.9"),
        ("confusion_matrix.csv", "a,2,0", "a,1,1"),
    ],
)
def test_an_edited_file_of_a_finished_run_is_named(lab: Lab, name: str, old: str, new: str) -> None:
    run = begin(lab, epochs=2)
    finish_with_all(run)
    assert run.status() == "finished"
    edit(run.folder / name, old, new)
    record = read_record(lab, run.key)
    assert (run.status(), record.outcome) == ("damaged", "damaged")
    assert record.metrics == {}
    assert str(run.folder / name) in str(record.reason)
    assert "ablab train" in str(record.reason)


def finish_with_all(run: Run) -> None:
    """Finish a run; its completion record lists the files that training lists."""
    finish(run)
    from dataclasses import replace

    from ablab.tracking.completion import describe, write_completion

    completion = run.completion
    assert completion is not None
    names = [*completion.artifacts, "trial.json", "environment.json", "config.yaml"]
    write_completion(run.folder, replace(completion, artifacts=describe(run.folder, names)))


def test_a_run_whose_trial_was_edited_is_not_resumed(lab: Lab) -> None:
    run = begin(lab, epochs=1)
    assert run.can_resume()
    edit(run.folder / "trial.json", '"lr": 0.1', '"lr": 0.2')
    assert not run.can_resume()
    assert run.status() == "damaged"
    assert record_of(run).outcome == "damaged"


def test_a_journal_without_an_epoch_is_damaged(lab: Lab) -> None:
    run = begin(lab, epochs=4)
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert not run.can_resume()
    with pytest.raises(JournalError, match="must hold every epoch, got none with number 1"):
        Journal(run.journal)
    run.journal.write_bytes(b"".join(lines[:-1]))  # the last is written again
    assert run.can_resume()


def test_a_journal_may_end_at_any_byte(lab: Lab) -> None:
    run = begin(lab, epochs=3)
    whole = run.journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    for end in range(len(b"".join(lines[:-2])), len(whole) + 1):
        run.journal.write_bytes(whole[:end])
        entries, offset = read_entries(run.journal)
        assert whole[:offset] == b"".join(lines[: len(entries)])
        assert run.status() == "stopped"
        assert record_of(run).epochs == tuple(entries[1:])
        journal = Journal(run.journal)
        journal.append(epoch(len(entries) - 1))
        assert [e.epoch for e in read_entries(run.journal, offset)[0]] == [len(entries) - 1]


def part(lab: Lab, sweep: str) -> Path:
    cells = (Cell("relu", 3, "mnist", "a1b2"),)
    spec = Spec(question="Which?", blocks={"mnist": {}})
    content = Part("comparison", 1.6e9, "ablab sweep", spec, cells, {"a1b2": trial()})
    return write_part(lab.sweep_folder(sweep), content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: edit(path, '"relu"', '"tanh"'),
        lambda path: edit(path, '"seed": 3', '"seed": 4'),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text('{"kind": "comparison"}'),
        lambda path: path.write_text(json.dumps({"cells": 1})),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.write_bytes(b""),
    ],
)
def test_a_damaged_plan_is_named_with_the_remedy_and_others_are_read(
    lab: Lab, damage: Callable[[Path], object]
) -> None:
    path = part(lab, "one")
    part(lab, "two")
    damage(path)
    plans, damaged = read_plans(lab)
    assert [plan.sweep for plan in plans] == ["two"]
    assert list(damaged) == ["one"]
    for part_of_message in (str(path), "ablab sweep"):
        assert part_of_message in damaged["one"]
    path.unlink()  # the remedy
    assert read_plan(lab.sweep_folder("one")) is None


def test_a_plan_without_a_checksum_is_read(lab: Lab) -> None:
    path = part(lab, "one")
    content = read_json(path)
    del content["sha256"]
    write_json(path, content)
    assert read_plan(lab.sweep_folder("one")) is not None


def test_damaged_baselines_are_named_with_the_remedy(lab: Lab) -> None:
    path = write_baselines(lab.root, Baselines("digits", {}, 0, {"train_images": 9}))
    assert len(read_baselines(lab.root)) == 1
    edit(path, '"train_images": 9', '"train_images": 8')
    with pytest.raises(DamagedError, match=r"delete it, and `ablab baselines`"):
        read_baselines(lab.root)


def test_all_damage_of_a_lab_is_listed(lab: Lab) -> None:
    run = begin(lab, epochs=1)
    part(lab, "one")
    bad = part(lab, "two")
    assert list(find_damage(lab)) == []
    bad.write_text("{")
    edit(run.folder / "trial.json", "relu", "tanh")
    messages = "\n".join(find_damage(lab))
    for expected in (str(bad), "trial.json"):
        assert expected in messages
    assert damaged_runs(lab, find_plan(lab, "one"), {}) == [run.damage()]
