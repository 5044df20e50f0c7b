"""A read-only lab can be shown, and reported into another folder."""

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
    """Write a lab, and return a function that mounts it read-only; skip if not permitted."""
    outcomes = {"relu": [0.97, 0.98, 0.975], "tanh": [0.96, 0.97, 0.965]}
    block: dict[str, object] = {"mnist × lenet5": {}}
    writer.sweep(outcomes, name="mine", seeds=[0, 1, 2], blocks=block)
    mounted = tmp_path / "mounted"
    mounted.mkdir()

    def mount() -> Lab:
        for options in (["--bind"], ["-o", "remount,ro,bind"]):
            command = ["mount", *options, str(writer.lab.root), str(mounted)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
        monkeypatch.setenv("ABLAB_HOME", str(mounted))
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        monkeypatch.chdir(tmp_path)
        return Lab(mounted)

    yield mount
    subprocess.run(["umount", "--lazy", str(mounted)], capture_output=True, check=False)


def test_read_only_lab_is_shown_and_reported_elsewhere(
    read_only: Callable[[], Lab], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lab = read_only()
    key = next(iter(lab.keys()))
    for command in (["show", key], ["status"], ["list"]):
        assert cli.main(command) == 0
    assert f"trial {key}: finished" in capsys.readouterr().out
    assert cli.main(["report", "mine", "--to", "elsewhere"]) == 0
    output = capsys.readouterr()
    assert "Report: elsewhere/report.html" in output.out
    assert output.err == ""
    assert (tmp_path / "elsewhere" / "report.html").is_file()


def test_writing_fails_with_path_and_remedy(
    read_only: Callable[[], Lab], capsys: pytest.CaptureFixture[str]
) -> None:
    lab = read_only()
    for command in (["report", "mine", "--offline"], ["report", "--all", "--offline"]):
        assert cli.main(command) == 74
        output = capsys.readouterr().err
        assert "must be on a file system that can be written, got Read-only file system" in output
        assert str(lab.root / "sweeps" / "mine" / "report") in output
        assert "Traceback" not in output


def test_to_is_refused_with_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "--all", "--to", "elsewhere"]) == 2
    assert "--to must be given with one sweep or --mlflow, got --all" in capsys.readouterr().err


def test_an_error_within_the_report_is_shown_as_a_bug(
    writer: LabWriter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.sweep({"relu": [0.97, 0.98, 0.975], "tanh": [0.96, 0.97, 0.965]}, name="mine")
    monkeypatch.setenv("ABLAB_HOME", str(writer.lab.root))

    def broken(*_: object) -> None:
        raise ValueError("operands could not be broadcast together with shapes (2,) (3,)")

    monkeypatch.setattr("ablab.report.build.document", broken)
    for command in (["report", "mine", "--offline"], ["report", "--all", "--offline"]):
        assert cli.main(command) == 70
        output = capsys.readouterr().err
        assert output.startswith("Traceback")
        assert "could not be broadcast" in output
        assert "please report it with the lines above" in output
