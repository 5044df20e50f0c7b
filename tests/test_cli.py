"""The command line: what it says, what it returns, what it does not import."""

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablab import cli, errors
from ablab.cli.parser import make_parser
from ablab.data.errors import DataError
from ablab.errors import AblabError, InputError, ResourceError, StoreError
from ablab.faults import ConfigError


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    monkeypatch.delenv("ABLAB_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from ablab.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'hydra', 'mlflow', 'numpy', 'rich', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "run a sweep, or finish it" in done.stdout


def test_nothing_asked_is_answered_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    told = capsys.readouterr()
    assert told.out == make_parser().format_help()
    assert told.err == ""


@pytest.mark.parametrize(
    ("words", "near"),
    [(["swep", "demo"], "sweep"), (["lst"], "list"), (["data", "fech", "mnist"], "fetch")],
)
def test_an_unknown_command_is_refused_with_the_nearest(
    words: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    assert f"did you mean {near}?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "activation=rleu"], "did you mean relu?"),
        (["sweep", "demmo"], "did you mean demo?"),
        (["report", "demo"], "sweep must be one that was planned"),
        (["report"], "report must be given one of a sweep's name, --all and --mlflow, got none"),
        (["report", "demo", "--seed", "tags.s"], "--seed must stand beside --mlflow EXPERIMENT"),
        (["report", "--mlflow", "x", "--seed", "tags.s"], "beside it, got none"),
        (["status", "demo"], "sweep must be one that was planned"),
        (["show", "abc"], "key must begin one trial's key, got abc"),
        (["list", "activations"], "did you mean activation?"),
        (["data", "fetch", "imagenet"], "imagenet"),
    ],
)
def test_wrong_input_is_told_without_a_traceback(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], at_home: Path
) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert told in error
    assert all(line.startswith("ablab: ") for line in error.splitlines())
    assert {path.name for path in at_home.glob("lab/*")} <= {"cache"}


def test_overrides_may_stand_behind_options() -> None:
    words = ["sweep", "demo", "a=1", "--fetch", "b=2", "--dry-run", "c=[3,4]"]
    assert make_parser().parse_args(words).overrides == ["a=1", "b=2", "c=[3,4]"]


def test_word_behind_options_is_checked_as_an_override(
    at_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sweep", "demo", "--fetch", "more"]) == 2
    assert "override must be key=value, got more" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["sweep", "demo", "--fitch"], ["ui", "a=1"]])
def test_what_is_no_override_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(words)
    assert ended.value.code == 2
    assert f"unrecognized arguments: {words[-1]}" in capsys.readouterr().err


def _break(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken(_options: object) -> int:
        raise error

    monkeypatch.setattr("ablab.cli.upkeep._doctor", broken)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AblabError("a must be b, got c"), (2, "ablab: a must be b, got c\n")),
        (
            InputError("a must be b, got c\nd must be e, got f"),
            (2, "c\nablab: d must be e, got f\n"),
        ),
        (StoreError("the store must answer"), (2, "ablab: the store must answer\n")),
        (ResourceError("x must have room"), (74, "ablab: x must have room\n")),
        (DataError("path must be there"), (2, "ablab: path must be there\n")),
        (ConfigError(["a", "b"]), (2, "ablab: a\nablab: b\n")),
        (OSError(errno.ENOSPC, "No space left", "/x/y"), (74, "ablab: /x/y must have room")),
        (OSError(errno.EMFILE, "Too many open files"), (74, "ulimit -n")),
        (MemoryError(), (74, "ablab: memory must suffice")),
    ],
)
@pytest.mark.parametrize("debug", ["", "before", "behind", "environment"])
def test_known_errors_are_lines_and_with_debug_whole(
    error: Exception,
    expected: tuple[int, str],
    debug: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _break(monkeypatch, error)
    monkeypatch.setenv("ABLAB_DEBUG", "1" if debug == "environment" else "")
    before, behind = ["--debug"] * (debug == "before"), ["--debug"] * (debug == "behind")
    assert cli.main([*before, "doctor", *behind]) == expected[0]
    said = capsys.readouterr().err
    assert expected[1] in said
    assert ("Traceback" in said) == bool(debug)
    assert "bug of ablab" not in said


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a fault of ours"),
        ValueError("shapes (2,) (3,) not aligned"),
        FileNotFoundError(errno.ENOENT, "No such file", "/somewhere/else"),
        OSError("without a number"),
    ],
)
def test_faults_of_our_own_keep_their_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _break(monkeypatch, error)
    assert cli.main(["doctor"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.splitlines()[-1].startswith("ablab: this is a bug of ablab; please report it")


def test_file_that_was_taken_out_of_the_lab_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_home: Path
) -> None:
    gone = FileNotFoundError(errno.ENOENT, "No such file", str(at_home / "lab/trials/a/001/x"))
    _break(monkeypatch, gone)
    assert cli.main(["doctor"]) == 74
    assert "lab/trials/a/001/x must be as ablab left it" in capsys.readouterr().err


def test_help_lists_the_exit_codes_and_each_command_runs_debug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["--help"]) == 0
    said = capsys.readouterr().out
    codes = {name: code for name, code in vars(errors).items() if isinstance(code, int)}
    assert {"BUG", "LOCKED", "TERMINATED"} < codes.keys()
    assert set(codes.values()) == set(errors.EXIT_CODES)
    for code in codes.values():
        assert f"\n  {code} " in said
    for command in ("train", "sweep", "report", "status", "list", "show", "sync", "ui", "new"):
        assert cli.main([command, "--help"]) == 0
        assert "--debug" in capsys.readouterr().out


def test_list_names_axes_components_and_sweeps(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    assert "activation       elu, " in capsys.readouterr().out
    assert cli.main(["list", "optimizer"]) == 0
    assert "Kingma" in capsys.readouterr().out
    assert cli.main(["list", "sweeps"]) == 0
    assert "Which pooling serves LeNet-5 best" in capsys.readouterr().out


def test_allow_reaches_the_environment(
    monkeypatch: pytest.MonkeyPatch, at_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABLAB_ALLOW", "theirs")
    assert cli.main(["train", "--allow", "mine_only", "activation=none_such"]) == 2
    assert cli.os.environ["ABLAB_ALLOW"] == "theirs,mine_only"


def test_doctor_tells_versions_and_folders(
    capsys: pytest.CaptureFixture[str], at_home: Path
) -> None:
    assert cli.main(["doctor"]) == 0
    told = capsys.readouterr().out
    for word in ("torch", "lab", str(at_home / "data"), "free disk", "components"):
        assert word in told


def test_data_that_is_there_is_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "verify", "digits"]) == 0
    assert capsys.readouterr().out.startswith("ok ")
    assert cli.main(["data", "verify", "mnist"]) == 1
    assert "BAD" in capsys.readouterr().out


def test_data_of_ones_own_are_looked_at(capsys: pytest.CaptureFixture[str], at_home: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(60):
        path = at_home / "mine" / "Training" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(path)
    (at_home / "mine" / "notes.txt").touch()
    options = [f"dataset.path={at_home / 'mine'}", "dataset.image_size=8", "data.test_images=5"]
    small = [*options, "batch_size=8"]
    assert cli.main(["data", "verify", "folder", *small]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "ok  43 train, 5 val, 5 test images; 2 classes: a, b"
    assert "Training is read as train" in said[1]
    assert said[-1] == f"    not read: {at_home / 'mine' / 'notes.txt'}"
    (at_home / "mine" / "Training" / "a" / "broken.png").write_bytes(b"no image")
    assert cli.main(["data", "verify", "folder", *small]) == 2
    assert "broken.png: it is none of these" in capsys.readouterr().err
    for words in (["fetch", "folder"], ["verify", "digits"]):
        assert cli.main(["data", *words, *options]) == 2
        assert "override must be left out but to verify" in capsys.readouterr().err
