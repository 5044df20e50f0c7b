"""A lab that may only be read is shown, and reported to another folder."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from labwriter import LabWriter

from ablab import cli
from ablab.tracking.lab import Lab


@pytest.fixture
def read_only(
    writer: LabWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Lab]]:
    """Write a lab, and return what mounts it read-only; skip where that is not permitted."""
    outcomes = {"relu": [0.97, 0.98, 0.975], "tanh": [0.96, 0.97, 0.965]}
    block: dict[str, object] = {"mnist × lenet5": {}}
    writer.sweep(outcomes, name="mine", seeds=[0, 1, 2], blocks=block)
    place = tmp_path / "mounted"
    place.mkdir()

    def mount() -> Lab:
        for options in (["--bind"], ["-o", "remount,ro,bind"]):
            command = ["mount", *options, str(writer.lab.root), str(place)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
        monkeypatch.setenv("ABLAB_HOME", str(place))
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        monkeypatch.chdir(tmp_path)
        return Lab(place)

    yield mount
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


def test_read_only_lab_is_shown_and_reported_elsewhere(
    read_only: Callable[[], Lab], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lab = read_only()
    key = next(iter(lab.keys()))
    for command in (["show", key], ["status"], ["list"]):
        assert cli.main(command) == 0
    assert f"trial {key}: finished" in capsys.readouterr().out
    assert cli.main(["report", "mine", "--to", "elsewhere"]) == 0
    said = capsys.readouterr()
    assert "Report: elsewhere/report.html" in said.out
    assert said.err == ""
    assert (tmp_path / "elsewhere" / "report.html").is_file()


def test_what_must_write_says_where_and_what_to_do(
    read_only: Callable[[], Lab], capsys: pytest.CaptureFixture[str]
) -> None:
    lab = read_only()
    for command in (["report", "mine", "--offline"], ["report", "--all", "--offline"]):
        assert cli.main(command) == 74
        said = capsys.readouterr().err
        assert "must be on a file system that can be written, got Read-only file system" in said
        assert str(lab.root / "sweeps" / "mine" / "report") in said
        assert "Traceback" not in said


def test_report_elsewhere_is_of_one_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "--all", "--to", "elsewhere"]) == 2
    assert "--to must stand beside one sweep or --mlflow, got --all" in capsys.readouterr().err


def test_fault_of_the_report_is_a_bug_and_not_the_users(
    writer: LabWriter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.sweep({"relu": [0.97, 0.98, 0.975], "tanh": [0.96, 0.97, 0.965]}, name="mine")
    monkeypatch.setenv("ABLAB_HOME", str(writer.lab.root))

    def broken(*_: object) -> None:
        raise ValueError("operands could not be broadcast together with shapes (2,) (3,)")

    monkeypatch.setattr("ablab.report.build.document", broken)
    for command in (["report", "mine", "--offline"], ["report", "--all", "--offline"]):
        assert cli.main(command) == 70
        said = capsys.readouterr().err
        assert said.startswith("Traceback")
        assert "could not be broadcast" in said
        assert "please report it with the lines above" in said
