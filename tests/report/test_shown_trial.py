"""`ablab show`: the values of a trial's probes and the path of their table."""

import io
from pathlib import Path

import pytest
from labwriter import LabWriter, deliver_pictures, key
from rich.console import Console

from ablab.report.show import show_trial

NAME = key("relu", 0, "mnist × lenet5")
ROWS = [
    *("0,conv,gradient_norm,0.25\n", "0,head,gradient_norm,0.75\n", "0,conv,dead,0.5\n"),
    *("1,conv,gradient_norm,1\n", "1,head,gradient_norm,2\n", "1,conv,dead,nan\n"),
]


@pytest.fixture
def folder(writer: LabWriter) -> Path:
    writer.sweep({"relu": [0.9]})
    run = writer.lab.finished(NAME)
    assert run is not None
    return run.folder


def shown(writer: LabWriter) -> list[str]:
    console = Console(file=io.StringIO(), width=160)
    show_trial(writer.lab, NAME, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_probes_are_shown_with_their_table_and_their_last_values(
    writer: LabWriter, folder: Path
) -> None:
    (folder / "probes.csv").write_text("epoch,layer,probe,value\n" + "".join(ROWS), "utf-8")
    lines = shown(writer)
    first = next(number for number, line in enumerate(lines) if line.startswith("probes "))
    assert lines[first].split() == [
        *("probes", f"{folder}/probes.csv:", "2", "epochs,", "2", "layers;"),
        *("means", "over", "layers", "at", "the", "last:"),
    ]
    assert [line.strip() for line in lines[first + 1 : first + 3]] == [
        "gradient norm 1.500",
        "dead units 50.0 %",  # the last epoch at which any layer has one
    ]


def test_without_probes_none_are_mentioned(writer: LabWriter, folder: Path) -> None:
    assert folder.is_dir()
    assert not [line for line in shown(writer) if line.startswith("probes ")]


@pytest.mark.parametrize("text", ["", "a,b\n", "epoch,layer,probe,value\n1,conv\n", "\x00"])
def test_a_damaged_table_is_reported_and_the_rest_is_shown(
    writer: LabWriter, folder: Path, text: str
) -> None:
    (folder / "probes.csv").write_text(text, "utf-8")
    lines = shown(writer)
    assert any(f"{folder}/probes.csv cannot be read: " in line for line in lines)
    assert lines[-1].startswith("next ")


def test_pictures_are_named_with_their_folder(writer: LabWriter, folder: Path) -> None:
    assert f"pictures `ablab show {NAME} --pictures FOLDER` draws them" in shown(writer)
    pictures = deliver_pictures(writer, folder, "mistakes")
    assert f"pictures {pictures}: mistakes" in shown(writer)
