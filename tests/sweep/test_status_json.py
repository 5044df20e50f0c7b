"""`ablab status --json`: states on disk, by documented fields."""

import json
import re
from pathlib import Path

import pytest
from console.test_status import plan
from fakes import complete, diverge, fail, new_run, write_epoch

from ablab.cli import main
from ablab.sweep.status_json import STATES, status_document
from ablab.tracking.lab import Lab

GUIDE = Path(__file__).parents[2] / "docs/howto/part_of_a_sweep.md"


@pytest.fixture
def mine(lab: Lab) -> Lab:
    plan(lab, "mine", "abcde")
    complete(new_run(lab, "a0"))
    diverge(new_run(lab, "b0"))
    fail(new_run(lab, "c0"))
    write_epoch(new_run(lab, "d0"), 0)
    return lab


def test_each_trial_has_its_state_value_and_progress(mine: Lab) -> None:
    document = status_document("mine", [], mine)
    trials = {trial["variant"]: trial for trial in document["trials"]}
    assert {name: trial["state"] for name, trial in trials.items()} == {
        "a": "finished",
        "b": "diverged",
        "c": "failed",
        "d": "stopped",
        "e": "waiting",
    }
    assert [trials[name]["value"] for name in "abcde"] == [0.9, 0.1, None, None, None]
    assert [trials[name]["epochs"] for name in "ade"] == [2, 1, 0]
    assert trials["c"]["reason"] == "ValueError: no"
    assert trials["e"]["run"] is None
    assert document["counts"] == dict.fromkeys(STATES, 1) | {"damaged": 0, "running": 0}
    assert not document["complete"]


def test_the_command_prints_the_document_of_one_or_all_sweeps(
    mine: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == status_document("mine", [], mine)
    assert main(["status", "--json"]) == 0
    (only,) = json.loads(capsys.readouterr().out)["sweeps"]
    assert only["sweep"] == "mine"
    assert sum(only["counts"].values()) == 5


def test_a_damaged_record_is_exit_code_1(mine: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = mine.runs("d0")
    run.journal.write_text("00000000 {}\n" + run.journal.read_text())
    assert main(["status", "mine", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["counts"]["damaged"] == 1
    assert "d0" in document["damaged"][0]


def test_numbers_that_are_not_finite_are_null(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    plan(lab, "mine", "a")
    complete(new_run(lab, "a0"), accuracy=float("nan"))
    main(["status", "mine", "--json"])
    assert json.loads(capsys.readouterr().out)["trials"][0]["value"] is None


def test_every_field_is_documented(mine: Lab) -> None:
    document = status_document("mine", [], mine)
    table = GUIDE.read_text("utf-8").split("| field of `ablab status")[1].partition("\n\n")[0]
    documented = set(re.findall(r"`(\w+)`", table))
    assert {*document, *document["trials"][0], *document["counts"]} <= documented
