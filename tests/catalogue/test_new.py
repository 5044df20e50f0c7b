"""`ablab new`: the templates train unchanged."""

import os
import shlex
import sys
from pathlib import Path

import pytest
import yaml
from forked import COMMAND, Program

from ablab import cli
from ablab.catalogue.new import write_new
from ablab.config.compose import compose
from ablab.config.dry_build import dry_build
from ablab.config.groups import AXES
from ablab.config.validate import validate
from ablab.faults import ConfigError
from ablab.folders import shipped_folder


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Allow modules of these names, and forget them afterwards."""
    names = [f"own_{axis}" for axis in AXES]
    monkeypatch.setenv("ABLAB_ALLOW", ",".join(names))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return names


@pytest.mark.parametrize("axis", AXES)
def test_a_new_component_can_be_built_and_run(
    axis: str, allowed: list[str], tmp_path: Path
) -> None:
    written = write_new(axis, f"own_{axis}")
    assert written == [Path(f"own_{axis}.py"), Path("conf") / axis / f"own_{axis}.yaml"]
    config = compose([f"{axis}=own_{axis}"]).resolved()
    validate(config)
    dry_build(config)
    node = yaml.safe_load((tmp_path / written[1]).read_text())
    assert config[axis] == node
    assert "mine" not in (tmp_path / written[0]).read_text().lower()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "snake.py").write_text("kept")
    (tmp_path / "conf" / "loss").mkdir(parents=True)
    (tmp_path / "conf" / "loss" / "wave.yaml").write_text("kept")
    with pytest.raises(ConfigError, match=r"snake\.py exists"):
        write_new("activation", "snake")
    with pytest.raises(ConfigError, match="which is already on the axis loss"):
        write_new("loss", "wave")
    assert {p.name for p in tmp_path.iterdir()} == {"snake.py", "conf", "lab"}
    assert (tmp_path / "snake.py").read_text() == "kept"
    assert not (tmp_path / "conf" / "activation").exists()


@pytest.mark.parametrize(
    ("axis", "name", "message"),
    [
        ("activations", "snake", r"did you mean activation\?"),
        ("activation", "elu", "which is already on the axis activation"),
        ("activation", "Snake", "must be lower-case letters"),
        ("activation", "../snake", "must be lower-case letters"),
        ("activation", "lambda", "must be lower-case letters"),
        ("activation", "random", "which is a Python module already"),
        ("activation", "torch", "which is a Python module already"),
    ],
)
def test_an_invalid_name_is_refused(axis: str, name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        write_new(axis, name)
    assert {p.name for p in tmp_path.iterdir()} == {"lab"}


def test_nothing_is_written_into_ablabs_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shipped_folder("conf").parent)
    with pytest.raises(ConfigError, match="must be one of your own"):
        write_new("activation", "snake")


def test_the_command_prints_the_next_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "activation", "snake"]) == 0
    message = capsys.readouterr().out
    assert "wrote snake.py\n" in message
    assert "  ablab train activation=snake trainer.max_epochs=2 --allow snake" in message


def command(*words: str, folder: Path) -> str:
    """Run a command of ablab in a clean environment; ablab is imported anew."""
    ours = ("ABLAB_HOME", "ABLAB_ALLOW", "MLFLOW_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    output = folder.parent / "output.txt"
    program = Program(COMMAND, words, folder=folder, environment=env, output=output, anew=True)
    assert program.wait() == 0, output.read_text("utf-8")
    return output.read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("axis", ["activation", "architecture", "dataset"])
def test_a_new_component_trains_with_the_printed_command(axis: str, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    message = command("new", axis, "first", folder=folder)
    commands = [shlex.split(line) for line in message.splitlines() if line.startswith("  ablab")]
    assert len(commands) == 2
    for _, *words in commands:
        output = command(*words, folder=folder)
    assert "test accuracy" in output
    assert (folder / "lab").is_dir()


@pytest.mark.slow
def test_all_templates_train_together(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    for axis in AXES:
        command("new", axis, f"own_{axis}", folder=folder)
    choices = [f"{axis}=own_{axis}" for axis in AXES if axis != "architecture"]
    allow = [word for axis in AXES for word in ("--allow", f"own_{axis}")]
    output = command("train", *choices, "trainer.max_epochs=1", *allow, "--offline", folder=folder)
    assert "test accuracy" in output


def test_name_too_long_for_a_file_is_refused():
    with pytest.raises(ConfigError, match="name must be at most 100 characters"):
        write_new("activation", "x" * 300)
