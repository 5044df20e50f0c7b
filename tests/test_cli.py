"""The command line: its output, its exit codes, and what it does not import."""

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
    assert "run a sweep, or resume it" in done.stdout


def test_no_command_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    output = capsys.readouterr()
    assert output.out == make_parser().format_help()
    assert output.err == ""


@pytest.mark.parametrize(
    ("words", "near"),
    [(["swep", "demo"], "sweep"), (["lst"], "list"), (["data", "fech", "mnist"], "fetch")],
)
def test_unknown_command_is_refused_with_the_closest_name(
    words: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    assert f"did you mean {near}?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "activation=rleu"], "did you mean relu?"),
        (["sweep", "demmo"], "did you mean demo?"),
        (["report", "demo"], "sweep must be one that was planned"),
        (["report"], "report must be given one of a sweep's name, --all and --mlflow, got none"),
        (["report", "demo", "--seed", "tags.s"], "--seed must be given with --mlflow EXPERIMENT"),
        (
            ["report", "--mlflow", "x", "--seed", "tags.s"],
            "--mlflow must be given with --variant, --metric, got none",
        ),
        (["status", "demo"], "sweep must be one that was planned"),
        (["show", "abc"], "key must begin one trial's key, got abc"),
        (["list", "activations"], "did you mean activation?"),
        (["data", "fetch", "imagenet"], "imagenet"),
    ],
)
def test_wrong_input_is_reported_without_a_traceback(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], at_home: Path
) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert all(line.startswith("ablab: ") for line in error.splitlines())
    assert {path.name for path in at_home.glob("lab/*")} <= {"cache"}


def test_overrides_may_follow_options() -> None:
    words = ["sweep", "demo", "a=1", "--fetch", "b=2", "--dry-run", "c=[3,4]"]
    assert make_parser().parse_args(words).overrides == ["a=1", "b=2", "c=[3,4]"]


@pytest.mark.parametrize(
    "words",
    [
        ["a", "b", "--lab", "x", "--prune", "site"],
        ["a", "--lab", "x", "b", "site", "--prune"],
        ["--prune", "a", "--lab", "x", "b", "site"],
    ],
)
def test_the_last_word_of_publish_is_its_folder_wherever_options_stand(words: list[str]) -> None:
    options = make_parser().parse_args(["publish", *words])
    assert (options.names, options.folder) == (["a", "b"], Path("site"))
    assert (options.lab, options.prune) == (["x"], True)


def test_images_may_follow_options() -> None:
    options = make_parser().parse_args(["predict", "5f8e", "a.png", "--to", "out.csv", "more"])
    assert options.images == [Path("a.png"), Path("more")]


def test_word_after_options_is_checked_as_an_override(
    at_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sweep", "demo", "--fetch", "more"]) == 2
    assert "override must be key=value, got more" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["sweep", "demo", "--fitch"], ["doctor", "a=1"]])
def test_unknown_options_and_overrides_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(words)
    assert ended.value.code == 2
    assert f"unrecognized arguments: {words[-1]}" in capsys.readouterr().err


def _break(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken(_options: object) -> int:
        raise error

    monkeypatch.setattr("ablab.cli.maintenance._doctor", broken)


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
        (OSError(errno.ENOSPC, "No space left", "/x/y"), (74, "ablab: /x/y must have free space")),
        (OSError(errno.EMFILE, "Too many open files"), (74, "ulimit -n")),
        (MemoryError(), (74, "ablab: memory must suffice")),
    ],
)
@pytest.mark.parametrize("debug", ["", "before", "after", "environment"])
def test_known_errors_are_one_line_and_have_a_traceback_with_debug(
    error: Exception,
    expected: tuple[int, str],
    debug: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _break(monkeypatch, error)
    monkeypatch.setenv("ABLAB_DEBUG", "1" if debug == "environment" else "")
    before, after = ["--debug"] * (debug == "before"), ["--debug"] * (debug == "after")
    assert cli.main([*before, "doctor", *after]) == expected[0]
    output = capsys.readouterr().err
    assert expected[1] in output
    assert ("Traceback" in output) == bool(debug)
    assert "bug in ablab" not in output


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a bug"),
        ValueError("shapes (2,) (3,) not aligned"),
        FileNotFoundError(errno.ENOENT, "No such file", "/somewhere/else"),
        OSError("without a number"),
    ],
)
def test_bugs_are_shown_with_their_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _break(monkeypatch, error)
    assert cli.main(["doctor"]) == 70
    output = capsys.readouterr().err
    assert output.startswith("Traceback")
    assert output.splitlines()[-1].startswith("ablab: this is a bug in ablab; please report it")


def test_file_missing_from_the_lab_is_not_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_home: Path
) -> None:
    gone = FileNotFoundError(errno.ENOENT, "No such file", str(at_home / "lab/trials/a/001/x"))
    _break(monkeypatch, gone)
    assert cli.main(["doctor"]) == 74
    assert "lab/trials/a/001/x must be as ablab wrote it" in capsys.readouterr().err


def test_help_lists_the_exit_codes_and_each_command_has_debug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["--help"]) == 0
    output = capsys.readouterr().out
    codes = {name: code for name, code in vars(errors).items() if isinstance(code, int)}
    assert {"BUG", "LOCKED", "TERMINATED"} < codes.keys()
    assert set(codes.values()) == set(errors.EXIT_CODES)
    for code in codes.values():
        assert f"\n  {code} " in output
    for command in ("train", "sweep", "report", "status", "list", "show", "sync", "ui", "new"):
        assert cli.main([command, "--help"]) == 0
        assert "--debug" in capsys.readouterr().out


def test_list_names_axes_components_and_sweeps(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    assert "activation       elu, " in capsys.readouterr().out
    assert cli.main(["list", "optimizer"]) == 0
    assert "Kingma" in capsys.readouterr().out
    assert cli.main(["list", "sweeps"]) == 0
    assert "Which pooling works best in LeNet-5" in capsys.readouterr().out


def test_allow_reaches_the_environment(
    monkeypatch: pytest.MonkeyPatch, at_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABLAB_ALLOW", "theirs")
    assert cli.main(["train", "--allow", "mine_only", "activation=none_such"]) == 2
    assert cli.os.environ["ABLAB_ALLOW"] == "theirs,mine_only"


def test_doctor_prints_versions_and_folders(
    capsys: pytest.CaptureFixture[str], at_home: Path
) -> None:
    assert cli.main(["doctor"]) == 0
    output = capsys.readouterr().out
    for word in ("torch", "lab", str(at_home / "data"), "free disk", "components"):
        assert word in output


def test_existing_data_is_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "verify", "digits"]) == 0
    assert capsys.readouterr().out.startswith("ok ")
    assert cli.main(["data", "verify", "mnist"]) == 1
    assert "BAD" in capsys.readouterr().out


def test_own_data_is_checked(capsys: pytest.CaptureFixture[str], at_home: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(60):
        path = at_home / "mine" / "Training" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(path)
    (at_home / "mine" / "notes.txt").touch()
    options = [f"dataset.path={at_home / 'mine'}", "dataset.image_size=8", "data.test_images=5"]
    small = [*options, "batch_size=8"]
    assert cli.main(["data", "verify", "folder", *small]) == 0
    output = capsys.readouterr().out.splitlines()
    assert output[0] == "ok  43 train, 5 val, 5 test images; 2 classes: a, b"
    assert "Training is read as train" in output[1]
    assert output[-1] == f"    not read: {at_home / 'mine' / 'notes.txt'}"
    (at_home / "mine" / "Training" / "a" / "broken.png").write_bytes(b"no image")
    assert cli.main(["data", "verify", "folder", *small]) == 2
    assert "broken.png: it is none of these" in capsys.readouterr().err
    for words in (["fetch", "folder"], ["verify", "digits"]):
        assert cli.main(["data", *words, *options]) == 2
        assert "override must be left out except to verify" in capsys.readouterr().err


def test_prune_says_what_it_deletes(capsys: pytest.CaptureFixture[str], at_home: Path) -> None:
    for command in (["prune", "--dry-run"], ["prune"]):
        assert cli.main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "0 checkpoints of finished trials would be deleted, 0.0 MB",
        "0 checkpoints of finished trials deleted, 0.0 MB",
    ]
    assert not (at_home / "lab").exists()
