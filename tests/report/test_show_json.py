"""`ablab show --json`: all that the lab has of a trial, by documented fields."""

import json
import re
from pathlib import Path

import pytest
from labwriter import LabWriter, key

from ablab.cli import main
from ablab.report.show_json import trial_document

GUIDE = Path(__file__).parents[2] / "docs/howto/part_of_a_sweep.md"
NAME = key("relu", 0, "mnist × lenet5")


@pytest.fixture
def written(writer: LabWriter, monkeypatch: pytest.MonkeyPatch) -> LabWriter:
    monkeypatch.setenv("ABLAB_HOME", str(writer.lab.root))
    writer.sweep({"relu": [0.9], "tanh": ["failed"]})
    return writer


def test_a_finished_trial_has_its_metrics_epochs_and_place(written: LabWriter) -> None:
    document = trial_document(written.lab, NAME)
    assert document["state"] == "finished"
    assert document["metrics"]["test/accuracy"] == 0.9
    assert [epoch["epoch"] for epoch in document["epochs"]] == [*range(12)]
    assert document["environment"]["host"] == "lab-1"
    assert document["sweeps"] == [
        {"sweep": "activations", "variant": "relu", "seed": 0, "block": "mnist × lenet5"}
    ]
    assert [run["number"] for run in document["runs"]] == ["001"]


def test_a_failed_trial_has_a_reason(written: LabWriter) -> None:
    document = trial_document(written.lab, key("tanh", 0, "mnist × lenet5"))
    assert document["state"] == "failed"
    assert document["reason"]
    assert document["metrics"] == {}


def test_the_command_prints_the_document(
    written: LabWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", NAME, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(
        json.dumps(trial_document(written.lab, NAME))
    )
    (record,) = (written.lab.root / "trials" / NAME).glob("*/completion.json")
    record.write_text(record.read_text().replace("0.9", "0.8"))
    assert main(["show", NAME, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["damaged"]


def test_pictures_and_json_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "ab", "--json", "--pictures", "folder"]) == 2
    assert "--json must be given without --pictures" in capsys.readouterr().err


def test_every_field_is_documented(written: LabWriter) -> None:
    document = trial_document(written.lab, NAME)
    table = GUIDE.read_text("utf-8").split("| field of `ablab show")[1].partition("\n\n")[0]
    nested = (document[name][0] for name in ("epochs", "runs", "sweeps"))
    assert {*document, *(field for each in nested for field in each)} <= set(
        re.findall(r"`(\w+)`", table)
    )
