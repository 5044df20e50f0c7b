"""A lab that ablab 0.1 wrote (commit 16ff99c) opens as before, and is written alike."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablab.tracking.completion import COMPLETION, checked_completion, write_completion
from ablab.tracking.damage import find_damage
from ablab.tracking.delivery_state import (
    RUNS,
    DeliveryState,
    deleted_runs,
    read_states,
    write_states,
)
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, find_plan, write_part
from ablab.tracking.records import read_record
from ablab.tracking.store import Store
from ablab.tracking.sync import SyncResult, sync

TRIAL = {
    "key": "a1b2",
    "config": {"seed": 0, "optimizer": {"lr": 0.1}, "devices": {"accelerator": "cpu"}},
    "choices": {"activation": "relu"},
    "data_hash": "d0",
    "sources": {},
    "outside_key": ["devices", "tracking", "launcher", "probes", "sweep"],
}
TRIAL_SUM = "ac3b663ca56378ca8849ed7d14657017a01d1fc1c9d1a2cc483d8184872d17bd"
JOURNAL = """\
34dc40b2 {"epoch":null,"kind":"attempt","measured":{},"metrics":{},"note":{"host":"h"},\
"time":1700000000.0}
822ab27f {"epoch":0,"kind":"epoch","measured":{"seconds":1.5},\
"metrics":{"train/loss":0.5,"val/accuracy":0.7},"note":{},"time":1700000001.0}
77260c94 {"epoch":null,"kind":"test","measured":{},"metrics":{"test/accuracy":0.75},"note":{},\
"time":1700000002.0}
"""
FAILED = """\
1096c864 {"epoch":null,"kind":"attempt","measured":{},"metrics":{},"note":{},"time":1699999995.0}
87e28b90 {"epoch":null,"kind":"failed","measured":{},"metrics":{},"note":{"error":"no memory"},\
"time":1699999996.0}
"""
RECORD = {
    "key": "a1b2",
    "take": "001",
    "outcome": "finished",
    "time": 1700000003.0,
    "metrics": {"test/accuracy": 0.75},
    "measured": {"seconds_per_epoch": 1.5},
    "facts": {"num_classes": 2, "test_images": 4},
    "artifacts": {
        "config.yaml": {
            "size": 8,
            "sha256": "6a5a163cfb9d8459f178db8f04e1c14b22f30c274c8d68e806c982e03e48bbe3",
        },
        "environment.json": {
            "size": 51,
            "sha256": "97e6619e86d2dff982d8b27135e20a423bb828e4982bee61d22a09770dee0add",
        },
        "trial.json": {
            "size": 368,
            "sha256": "31cc89410acfc10ead99f5d9bd937d1039674b6cd0d6d8a16c869b092e7ecca4",
        },
        "journal.jsonl": {
            "size": 364,
            "sha256": "9a31e782c84884bae6e188f3c25a92647a874ad417daee4a899fa941176eed66",
        },
        "per_class.csv": {
            "size": 19,
            "sha256": "8e0e611d93f26fa56808b9b8fba08b2feb4f589ef3edc112941abb4f1426a3a2",
        },
    },
    "schema": 2,
    "sha256": "761b57dfdafa308419e15a43b5e27429a6243f21eb084217696f66748867a74a",
}
STATES = {
    "lab": {
        "s": {
            "run_id": "407265b98df3442d8c7f1006d31962df",
            "entries": 3,
            "params": True,
            "facts": "92e9f3061f339e9a7e272709e63943ef75ca1cbfd9c9c5a9f1c650b6e7d071e0",
            "files": "",
            "completion": "df45b78dd7778c3dbed02a0491993f9ce3dbbad4a509da8488e37c4fe54b5592",
            "mirror_of": None,
            "deleted": False,
        }
    }
}
PART = {
    "kind": "comparison",
    "time": 1699999990.0,
    "command": "ablab sweep s launcher.slots=1 loss=mse",
    "spec": {
        "question": "Which?",
        "kind": "best",
        "metric": "test/accuracy",
        "goal": "max",
        "baseline": "",
        "margin": None,
        "seeds": [0],
        "variants": {"relu": {"activation": "relu"}},
        "blocks": {"digits": {"dataset": "digits"}},
    },
    "cells": [{"variant": "relu", "seed": 0, "block": "digits", "key": "a1b2"}],
    "trials": {"a1b2": TRIAL},
    "excluded": [],
    "yaml": "sweep: {}\n",
    "sha256": "93eccfb06520e7679c2ec8b3ad97c2e2f0cea6629ac2ccf853692536a5f6ed97",
}


def as_json(content: Any) -> str:
    return json.dumps(content, indent=1) + "\n"


FILES = {
    "lab.json": as_json({"schema": 1}),
    "trials/a1b2/001/trial.json": as_json({**TRIAL, "sha256": TRIAL_SUM}),
    "trials/a1b2/001/environment.json": as_json({"host": "h", "commit": "c0", "dirty": False}),
    "trials/a1b2/001/config.yaml": "seed: 0\n",
    "trials/a1b2/001/log.txt": "",
    "trials/a1b2/001/journal.jsonl": JOURNAL,
    "trials/a1b2/001/per_class.csv": "class,recall\na,1.0\n",
    "trials/a1b2/001/completion.json": as_json(RECORD),
    "trials/a1b2/001/runs.json": as_json(STATES),
    "trials/a1b2/002/trial.json": as_json({**TRIAL, "sha256": TRIAL_SUM}),
    "trials/a1b2/002/journal.jsonl": FAILED,
    "trials/a1b2/002/discarded": "its run was deleted in MLflow\n",
    "sweeps/s/part-001.json": as_json(PART),
}


@pytest.fixture
def old_lab(tmp_path: Path) -> Lab:
    for name, text in FILES.items():
        path = tmp_path / "lab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Lab.open(tmp_path / "lab")


def test_runs_and_journals_are_read(old_lab: Lab) -> None:
    assert list(old_lab.keys()) == ["a1b2"]
    (run,) = old_lab.runs("a1b2")  # 002 was discarded
    assert old_lab.finished("a1b2") == run
    assert (run.number, run.status(), run.trial) == ("001", "finished", TRIAL)
    assert run.entries() == [
        Entry("attempt", 1.7e9, note={"host": "h"}),
        Entry("epoch", 1.7e9 + 1, 0, {"train/loss": 0.5, "val/accuracy": 0.7}, {"seconds": 1.5}),
        Entry("test", 1.7e9 + 2, metrics={"test/accuracy": 0.75}),
    ]
    assert list(find_damage(old_lab)) == []
    assert old_lab.new_run(TRIAL).number == "003"


def test_the_completion_record_is_read_with_every_checksum(old_lab: Lab) -> None:
    completion = checked_completion(old_lab.runs("a1b2")[0].folder, thorough=True)
    assert completion is not None
    assert (completion.key, completion.run) == ("a1b2", "001")
    assert completion.metadata == {"num_classes": 2, "test_images": 4}
    record = read_record(old_lab, "a1b2")
    assert record.outcome == "finished"
    assert (record.metrics, record.metadata) == ({"test/accuracy": 0.75}, completion.metadata)
    assert record.environment["commit"] == "c0"


def test_the_plan_is_read(old_lab: Lab) -> None:
    plan = find_plan(old_lab, "s")
    assert plan.cells == (Cell("relu", 0, "digits", "a1b2"),)
    assert plan.trials == {"a1b2": TRIAL}
    assert plan.asked == "Which? (asked with loss=mse)"


def test_the_delivery_state_is_read(old_lab: Lab) -> None:
    (run,) = old_lab.runs("a1b2")
    assert read_states(run, "lab") == {"s": DeliveryState(**STATES["lab"]["s"])}
    assert deleted_runs([run], "lab", "s") == set()


def _write_completion(lab: Lab) -> Path:
    run = lab.runs("a1b2")[0]
    completion = run.completion
    assert completion is not None
    write_completion(run.folder, completion)
    return run.folder / COMPLETION


def _write_journal(lab: Lab) -> Path:
    run = lab.runs("a1b2")[0]
    entries = run.entries()
    run.journal.unlink()
    for entry in entries:
        Journal(run.journal).append(entry)
    return run.journal


def _write_states(lab: Lab) -> Path:
    run = lab.runs("a1b2")[0]
    write_states(run, "lab", read_states(run, "lab"))
    return run.folder / RUNS


def _write_part(lab: Lab) -> Path:
    plan = find_plan(lab, "s")
    (lab.sweep_folder("s") / "part-001.json").unlink()
    return write_part(lab.sweep_folder("s"), plan.parts[0])


@pytest.mark.parametrize("write", [_write_completion, _write_journal, _write_states, _write_part])
def test_what_is_read_is_written_as_0_1_did(old_lab: Lab, write: Callable[[Lab], Path]) -> None:
    path = write(old_lab)
    assert path.read_text() == FILES[str(path.relative_to(old_lab.root))]


def test_the_runs_are_delivered_with_the_tags_of_0_1(old_lab: Lab) -> None:
    store = Store.open(old_lab)
    assert sync(old_lab, store) == SyncResult(complete=1)
    (run,) = old_lab.runs("a1b2")
    state = read_states(run, "lab")["s"]
    # The store is new: only the id differs from what 0.1 stored, which had no system metrics.
    later = {"samples": 0, "retrieved": False}
    assert {**vars(state), "run_id": ""} == {**STATES["lab"]["s"], "run_id": "", **later}
    tags = store.client.get_run(state.run_id).data.tags
    expected = {"ablab.take": "a1b2/001", "ablab.kind": "trial", "ablab.outcome": "finished"}
    assert expected.items() <= tags.items()
