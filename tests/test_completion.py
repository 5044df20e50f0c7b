"""What the Tab key completes, asked as a shell asks: by a process, and by bash itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablab.cli import main

Complete = Callable[[str], list[str]]
HEAVY = ("torch", "pytorch_lightning", "mlflow", "hydra", "omegaconf", "numpy", "rich")


def ask(line: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ablab as the shell's script does, with the completions in the file ``out``."""
    asked = {"COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE": "1"}
    more = {"_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(folder / "out")}
    return subprocess.run(
        [sys.executable, *options, "-m", "ablab"],
        env={**os.environ, **asked, **more, "ABLAB_HOME": str(folder / "lab")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.fixture
def complete(tmp_path: Path) -> Complete:
    def complete(line: str) -> list[str]:
        ask(line, tmp_path)
        return (tmp_path / "out").read_text().split("\n")

    return complete


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ablab tra", ["train "]),
        ("ablab train --off", ["--offline "]),
        ("ablab train activ", ["activation="]),
        ("ablab train activation=squ", ["activation=squared_relu "]),
        ("ablab train -m activation=relu,squ", ["activation=relu,squared_relu "]),
        ("ablab sweep demo --dry-run activation=squ", ["activation=squared_relu "]),
        ("ablab train data.standardize=", ["data.standardize=true", "data.standardize=false"]),
        ("ablab train seed=", [""]),
        ("ablab train no_such_key.x", [""]),
        ("ablab sweep dem", ["demo "]),
        ("ablab compare dem", ["demo "]),
        ("ablab list activation squ", ["squared_relu "]),
        ("ablab list squ", [""]),
        ("ablab data fetch cifar100", ["cifar100 "]),
        ("ablab completion f", ["fish "]),
    ],
)
def test_word_is_completed(line: str, expected: list[str], complete: Complete):
    assert complete(line) == expected


def test_keys_are_those_of_the_component_that_is_chosen(complete: Complete):
    assert "optimizer.betas=" in complete("ablab train optimizer.")
    chosen = complete("ablab train optimizer=sgd optimizer.")
    assert "optimizer.momentum=" in chosen
    assert "optimizer.betas=" not in chosen
    assert not any("_target_" in key for key in chosen)


def test_names_of_the_user_are_completed(complete: Complete, tmp_path: Path):
    for path in (
        "conf/activation/ours.yaml",
        "sweeps/ours.yaml",
        "lab/sweeps/done/part-001.json",
        "lab/trials/0123456789abcdef/001/trial.json",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("a: 1\n")
    assert complete("ablab train activation=ou") == ["activation=ours "]
    assert complete("ablab train activation=ours activation.") == ["activation.a="]
    assert complete("ablab sweep ou") == ["ours "]
    assert complete("ablab report don") == ["done "]
    assert complete("ablab du don") == ["done "]
    assert complete("ablab show 01") == ["0123456789abcdef "]
    assert complete("ablab rm --yes 01") == ["0123456789abcdef "]


def test_damaged_yaml_of_the_user_is_passed_over(complete: Complete, tmp_path: Path):
    (tmp_path / "conf/activation").mkdir(parents=True)
    (tmp_path / "conf/activation/bad.yaml").write_text("a: [")
    assert complete("ablab train activation=bad activation.") == [""]


def test_completion_imports_nothing_heavy(tmp_path: Path):
    done = ask("ablab train optimizer.l", tmp_path, "-X", "importtime")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "ablab.cli.completers" in imported
    assert imported.isdisjoint(HEAVY)


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_after_one_command(tmp_path: Path):
    """Bash splits words at the equals sign, and replaces only what follows it."""
    (tmp_path / "ablab").write_text(f'#!/bin/sh\nexec {sys.executable} -m ablab "$@"\n')
    (tmp_path / "ablab").chmod(0o755)
    line = "ablab train activation=squ"
    script = f"""
        eval "$(ablab completion bash)"
        COMP_LINE={line!r} COMP_POINT={len(line)} COMP_TYPE=9
        $(complete -p ablab | sed 's/.* -F \\([^ ]*\\) .*/\\1/') ablab
        echo "${{COMPREPLY[*]}}"
    """
    path = f"{tmp_path}:{os.environ['PATH']}"
    shell = ["bash", "--norc", "-c", script]
    done = subprocess.run(
        shell, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "squared_relu \n"


@pytest.mark.parametrize(
    ("shell", "installs"), [("zsh", "#compdef ablab"), ("fish", "--command ablab")]
)
def test_script_of_another_shell(shell: str, installs: str, capsys: pytest.CaptureFixture[str]):
    assert main(["completion", shell]) == 0
    assert installs in capsys.readouterr().out
