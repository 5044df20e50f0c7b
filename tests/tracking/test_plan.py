"""Plans, records and their files."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recorded import BEGUN, begin, epoch, finish, trial

from ablab.tracking.files import file_sha256, read_json, write_atomic, write_json
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, Plan, read_plan, write_part
from ablab.tracking.records import read_record
from ablab.tracking.spec import Spec

CELLS = (Cell("relu", 0, "mnist", "k0"), Cell("elu", 0, "mnist", "k1"))
FIRST = Part("comparison", 1.5, "ablab sweep s", Spec(seeds=(0,)), CELLS, {"k0": {}, "k1": {}})
OUTSIDE_KEY = ("sweep", "launcher")


def test_a_part_is_read_as_written(tmp_path: Path) -> None:
    excluded = ({"variant": "x", "block": "mnist", "reason": "why"},)
    write_part(tmp_path / "s", replace(FIRST, excluded=excluded))
    plan = read_plan(tmp_path / "s")
    assert plan is not None
    assert plan.parts == (replace(FIRST, excluded=excluded),)
    assert plan.sweep == "s"


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        ("ablab sweep s", ""),
        ("ablab sweep s seed=1 batch_size=3", "batch_size=3 seed=1"),
        ("ablab sweep s --allow mine sweep.seeds=2 launcher.slots=1 loss=mse", "loss=mse"),
        ("ablab sweep s 'dataset.path=My data (1)'", "dataset.path=My data (1)"),
        ("ablab report --mlflow e --baseline a=b", ""),
    ],
)
def test_overrides_that_change_trials_are_read_from_the_command(command: str, changes: str) -> None:
    trials = {"k0": {"outside_key": OUTSIDE_KEY}}
    part = replace(FIRST, command=command, spec=Spec(question="Which?"), trials=trials)
    plan = Plan("s", (part,))
    assert plan.asked_with == changes
    assert plan.asked == ("Which?" if not changes else f"Which? (asked with {changes})")


def test_an_extension_adds_and_may_replace_cells(tmp_path: Path) -> None:
    more = (Cell("elu", 0, "mnist", "k9"), Cell("elu", 1, "mnist", "k2"))
    write_part(tmp_path, FIRST)
    write_part(tmp_path, Part("extension", 2.0, "", Spec(seeds=(0, 1)), more, {"k9": {}, "k2": {}}))
    plan = read_plan(tmp_path)
    assert plan is not None
    assert [cell.key for cell in plan.cells] == ["k0", "k9", "k2"]
    assert plan.spec == Spec(seeds=(0, 1))
    assert plan.trials.keys() == {"k0", "k1", "k9", "k2"}


def test_a_new_comparison_replaces_earlier_parts(tmp_path: Path) -> None:
    other = replace(FIRST, cells=CELLS[:1], time=9.0)
    paths = [write_part(tmp_path, part) for part in (FIRST, other)]
    plan = read_plan(tmp_path)
    assert [path.name for path in paths] == ["part-001.json", "part-002.json"]
    assert plan is not None
    assert plan.parts == (other,)
    assert plan.first_number == 2


def test_a_folder_without_parts_has_no_plan(tmp_path: Path) -> None:
    assert read_plan(tmp_path / "absent") is None


def test_a_record_has_the_state_of_a_trial(lab: Lab) -> None:
    assert read_record(lab, "a1b2", {"config": {}}).outcome == "absent"
    run = begin(lab, epochs=2)
    Journal(run.journal).append(Entry("failed", BEGUN + 9, note={"error": "no memory"}))
    record = read_record(lab, "a1b2")
    assert (record.outcome, record.reason) == ("failed", "no memory")
    assert record.epochs == (epoch(0), epoch(1))
    assert record.trial == trial()
    assert record.environment["host"] == "h"
    assert record.correct() is None
    finish(run)
    record = read_record(lab, "a1b2")
    assert (record.outcome, record.reason) == ("finished", None)
    assert record.metrics["test/accuracy"] == 0.75
    np.testing.assert_array_equal(record.correct(), [True, False, True, True])


def test_a_record_prefers_a_finished_run_to_a_newer_one(lab: Lab) -> None:
    run = begin(lab)
    finish(run)
    begin(lab)
    assert read_record(lab, "a1b2").folder == run.folder


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"π": [1, 2.5, None]})
    assert read_json(path) == {"π": [1, 2.5, None]}

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, b"new")
    assert read_json(path) == {"π": [1, 2.5, None]}


def test_an_invalid_json_file_is_named(tmp_path: Path) -> None:
    assert read_json(tmp_path / "absent") is None
    (tmp_path / "x").write_text("{")
    with pytest.raises(ValueError, match=r"x must be JSON, got"):
        read_json(tmp_path / "x")


def test_file_sha256_equals_the_published_one(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "x") == expected
