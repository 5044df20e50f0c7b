"""`ablab export-lab` and `ablab import`: files, pipes, terminals, and what is printed."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from ablab import cli
from ablab.tracking.lab import Lab

SWEEP = """\
defaults:
  - override /dataset: digits
  - override /architecture: mlp
architecture:
  widths: [8]
trainer:
  max_epochs: 1
batch_size: full
devices:
  accelerator: cpu
sweep:
  question: "Is <script>alert(1)</script> \\e[31mred?"
  kind: best
  seeds: 1
  variants: {"<b>relu</b>": {activation: relu}, tanh: {activation: tanh}}
"""
ABLAB = [sys.executable, "-m", "ablab"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lab whose sweep was trained, once for all tests here."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "sweeps").mkdir()
    (folder / "sweeps" / "mine.yaml").write_text(SWEEP)
    environment = {**os.environ, "ABLAB_HOME": str(folder / "lab"), "OMP_NUM_THREADS": "1"}
    command = [*ABLAB, "sweep", "mine", "--offline", "--report"]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture
def home(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ABLAB_HOME", str(trained / "lab"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    return trained / "lab"


def test_redirected_output_is_the_archive_byte_for_byte(home: Path, tmp_path: Path) -> None:
    with (tmp_path / "a.tar").open("wb") as stream:
        done = subprocess.run(
            [*ABLAB, "export-lab", "mine"], stdout=stream, stderr=subprocess.PIPE, check=True
        )
    assert done.stderr.decode().startswith("mine: 2 trials, ")
    assert "source code and data are not in it" in done.stderr.decode()
    assert cli.main(["export-lab", "mine", "--to", "b.tar"]) == 0
    sizes = [len((tmp_path / name).read_bytes()) for name in ("a.tar", "b.tar")]
    assert abs(sizes[0] - sizes[1]) <= 10240  # the manifests have other times
    other = {**os.environ, "ABLAB_HOME": str(tmp_path / "other")}
    with (tmp_path / "a.tar").open("rb") as stream:
        done = subprocess.run(
            [*ABLAB, "import", "-"], stdin=stream, env=other, check=True, stdout=subprocess.PIPE
        )
    assert done.stdout.decode().startswith("mine: 2 trials added, of host ")
    lab = Lab(tmp_path / "other")
    assert [lab.finished(key) is not None for key in list(lab.keys())] == [True, True]


def test_a_terminal_is_refused(home: Path) -> None:
    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            [*ABLAB, "export-lab", "mine"], stdout=slave, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(slave)
        os.close(master)
    assert done.returncode == 2
    assert b"standard output must be a file or a pipe" in done.stderr


def test_a_reader_that_leaves_is_an_error(home: Path) -> None:
    with subprocess.Popen(
        [*ABLAB, "export-lab", "mine"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert b"must be read to its end" in process.stderr.read()
    assert process.returncode == 74


def test_the_default_name_is_the_sweeps_and_no_file_is_overwritten(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export-lab", "mine", "--to"]) == 0
    before = (tmp_path / "mine.tar").read_bytes()
    assert cli.main(["export-lab", "mine", "--to"]) == 2
    assert "--to must be a new file, got mine.tar, which exists" in capsys.readouterr().err
    assert (tmp_path / "mine.tar").read_bytes() == before
    assert cli.main(["export-lab", "mine", "--to", "no/such/a.tar"]) == 2
    assert "--to must be in an existing folder" in capsys.readouterr().err
    assert cli.main(["export-lab", "nothing", "--to"]) == 2
    assert "sweep must be one that was planned" in capsys.readouterr().err


def test_an_imported_sweep_is_shown_reported_compared_and_reproduced(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["export-lab", "mine", "--to", "mine.tar"]) == 0
    here = Lab(home)
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "other"))
    assert cli.main(["import", "mine.tar", "--as", "theirs"]) == 0
    assert "theirs: 2 trials added" in capfd.readouterr().out
    assert cli.main(["status", "theirs"]) == 0
    assert "2 of 2 done" in capfd.readouterr().out
    keys = list(here.keys())
    assert cli.main(["show", keys[0]]) == 0
    assert "sweep    theirs" in capfd.readouterr().out
    assert cli.main(["report", "theirs", "--offline"]) == 0
    capfd.readouterr()
    page = (tmp_path / "other/sweeps/theirs/report/report.html").read_text()
    received = (tmp_path / "other/sweeps/theirs/received/report.html").read_text()
    for text in (page, received):
        assert "<script>alert" not in text
        assert "<b>relu" not in text
        assert "\x1b" not in text
        assert "&lt;script&gt;alert" in text
    assert cli.main(["compare", "theirs", f"{home}:mine"]) == 0
    out = capfd.readouterr().out
    assert "all trials that A and B have in common are the same runs" in out
    assert "\x1b" not in out
    host = here.runs(keys[0])[0].environment["host"]
    (run,) = Lab(tmp_path / "other").runs(keys[0])
    assert run.environment["host"] == host
    assert cli.main(["reproduce", keys[0], "--tolerance=0"]) == 0
    assert "Equal to the bit" in capfd.readouterr().out


def test_a_sweep_goes_on_where_it_was_imported_and_trains_nothing_twice(
    trained: Path,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["export-lab", "mine", "--to", "mine.tar", "--no-weights"]) == 0
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "other"))
    assert cli.main(["import", "mine.tar"]) == 0
    monkeypatch.chdir(trained)
    capfd.readouterr()
    assert cli.main(["sweep", "mine", "--offline", "--dry-run"]) == 0
    assert "2 trials: 2 finished, 0 to train" in capfd.readouterr().out
    key = next(iter(Lab(tmp_path / "other").keys()))
    command = ["train", "dataset=digits", "architecture=mlp", f"init_from='{key}'"]
    assert cli.main([*command, "architecture.widths=[8]", "--offline"]) == 2
    assert "init_from must be a trial with weights" in capfd.readouterr().err


def test_an_archive_of_another_configuration_is_refused_in_a_line(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same checks as `reproduce`, here with every checksum intact."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "tracking"))
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "tracking" / "archive"))
    from archives import members, pack, resealed

    assert cli.main(["export-lab", "mine", "--to", "mine.tar"]) == 0
    content = members((tmp_path / "mine.tar").read_bytes())

    def change(part: dict) -> None:  # type: ignore[type-arg]
        for trial in part["trials"].values():
            trial["config"]["loss"]["_target_"] = "\x1b[2Jos.getcwd"

    content["sweep/part-001.json"] = resealed(content["sweep/part-001.json"], change)
    (tmp_path / "hostile.tar").write_bytes(pack(content))
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "other"))
    capsys.readouterr()
    assert cli.main(["import", "hostile.tar"]) == 2
    text = capsys.readouterr().err
    assert text.startswith("ablab: key must be that of its configuration")
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert Lab(tmp_path / "other").sweeps() == []
    assert cli.main(["import", "nothing.tar"]) == 2
    assert "file must be an archive of `ablab export-lab`" in capsys.readouterr().err
