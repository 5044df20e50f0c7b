"""Which packages a command imports: none that it does not use.

Each takes from half a second to five seconds of a processor. What the other processes of a sweep
import does not count.
"""

import argparse
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from ablab.cli.parser import MODULES, make_parser

LARGE = {
    "matplotlib",
    "mlflow",
    "optuna",
    "pandas",
    "pytorch_lightning",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "torch",
    "torchmetrics",
}
DIGITS = {"pandas", "scipy", "sklearn"}  # the data set comes with scikit-learn
# Of a few milliseconds each, which a command that only looks would take a tenth of its time for.
SMALL = {
    "ablab.cli.completers",
    "ablab.sweep.forecast",
    "ablab.sweep.looks",
    "ablab.sweep.tune",
    "ablab.tracking.server_settings",
    "difflib",
    "filelock",
    "multiprocessing",
    "tempfile",
    "webbrowser",
}
PROGRAM = """
import sys
from ablab.cli import main

code = main(sys.argv[1:])
print("MODULES", *sorted(sys.modules.keys() & set({watched!r})))
sys.exit(code)
"""
SWEEP = """# @package _global_
defaults:
  - override /architecture: mlp
architecture: {widths: [8]}
trainer: {max_epochs: 1}
sweep:
  question: Which one?
  kind: best
  metric: test/accuracy
  baseline: {activation: relu}
  seeds: 3
  grid:
    activation: [relu, tanh]
"""
TRIAL = ("train", "architecture=mlp", "architecture.widths=[8]", "trainer.max_epochs=1")
TYPOS = (
    ("train", "activaton=elu"),
    ("train", "activation=ellu"),
    ("train", "optimizer.lr=-1"),
    ("train", "trainer.max_epochs=none"),
    ("train", "-m", "activation=elu,ellu"),
    ("sweep", "demo", "optimizer.momentun=0.5"),
    ("sweep", "dmeo"),
)


def run(*arguments: str, watched: set[str] = LARGE) -> tuple[int, set[str], str]:
    """Run a command; return its exit code, the watched modules it imported, and its output."""
    program = PROGRAM.format(watched=sorted(watched))
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("MODULES")]
    assert len(lines) == 1, done.stderr
    return done.returncode, set(lines[0].split()[1:]), done.stdout + done.stderr


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize("words", TYPOS, ids=" ".join)
def test_a_typo_is_refused_without_torch(words: tuple[str, ...]):
    code, imported, output = run(*words)
    assert (code, imported) == (2, set())
    assert " must be " in output


@pytest.mark.usefixtures("own_home")
def test_all_faults_that_need_no_torch_are_listed_at_once():
    overrides = ("activaton=elu", "optimizer.lr=-1", "batch_size=0", "optimizer.nesterof=true")
    code, imported, output = run("train", *overrides)
    assert (code, imported) == (2, set())
    for key in ("activaton", "optimizer.lr", "batch_size", "optimizer.nesterof"):
        assert f"ablab: {key} must be " in output


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize("words", [("status",), ("--help",), ("completion", "bash")], ids=" ".join)
def test_a_look_at_a_lab_imports_nothing_large(words: tuple[str, ...]):
    assert run(*words)[:2] == (0, set())


@pytest.mark.usefixtures("own_home")
def test_status_imports_nothing_of_other_commands():
    others = {f"ablab.cli.{name}" for name in MODULES} - {"ablab.cli.sweep", "ablab.cli.report"}
    others -= {"ablab.cli.completion"}  # it answers a shell's question first
    assert run("status", watched=SMALL | others)[:2] == (0, set())


def test_each_module_adds_the_commands_that_the_parser_knows_it_by():
    def names(parser: argparse.ArgumentParser) -> list[str]:
        (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        return list(commands.choices)

    assert len(MODULES) > 10
    for module, added in MODULES.items():
        parser = argparse.ArgumentParser()
        import_module(f"ablab.cli.{module}").add_to(parser.add_subparsers())
        assert tuple(names(parser)) == tuple(added)
        for command in added:
            assert names(make_parser([command, "more"])) == list(added)
    everything = [command for added in MODULES.values() for command in added]
    for words in ([], ["--debug", "status"], ["swep"]):
        assert names(make_parser(words)) == everything


@pytest.mark.usefixtures("own_home")
def test_training_imports_neither_the_compiler_nor_what_draws():
    watched = {*LARGE, "torch._dynamo.eval_frame"}
    code, imported, output = run(*TRIAL, "--offline", watched=watched)
    assert code == 0, output
    assert imported - DIGITS == {"pytorch_lightning", "torch", "torchmetrics"}


@pytest.mark.slow
def test_commands_with_nothing_to_train_import_what_they_use(own_home: None, tmp_path: Path):
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text(SWEEP)
    # The trials are trained, and the configurations checked, in forks of one other process.
    code, imported, output = run("sweep", "mine")
    assert code == 0, output
    assert not imported & {"torch", "pytorch_lightning", "mlflow", "scipy"}
    code, imported, output = run("sweep", "mine")
    assert (code, imported) == (0, set()), output
    assert "6 finished; 0 trained now" in output
    code, imported, output = run("sweep", "mine", "--dry-run")
    assert code == 0
    assert "6 trials: 6 finished" in output
    assert imported <= {"scipy"}  # for what numbers of seeds could detect
    assert run("status")[:2] == run("status", "mine")[:2] == (0, set())
    assert run("status", "mine", watched=SMALL)[:2] == (0, set())
    assert run("report", "mine")[0] == 0  # MLflow shows it now
    code, imported, output = run("report", "mine")
    assert (code, imported) == (0, {"matplotlib", "scipy"}), output
    code, imported, output = run(*TRIAL)  # a trial of the sweep, which MLflow shows beside it now
    assert code == 0, output
    assert "torch" not in imported
    code, imported, output = run(*TRIAL)
    assert (code, imported) == (0, set()), output
    assert "test accuracy" in output
    # What is new is checked and measured once.
    new = ("sweep", "mine", "--dry-run", "optimizer.lr=0.02")
    assert "torch" in run(*new)[1]
    code, imported, output = run(*new)
    assert (code, imported) == (0, {"scipy"} & imported), output
    assert "6 to train; about" in output
