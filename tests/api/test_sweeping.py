"""`ablab.sweep`: the sweep of the command; how it ends is raised, failures are warned of."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

import ablab
from ablab import cli, errors
from ablab.api import notebook, sweeping
from ablab.signals import TerminatedError
from ablab.sweep.selection import Selection
from ablab.tracking.lab import Lab

SMALL = {
    "dataset": "digits",
    "architecture": "mlp",
    "trainer": {"max_epochs": 1},
    "sweep": {"seeds": 3, "grid": {"activation": ["relu", "elu"]}},
}
COMMAND = ["activations", "dataset=digits", "architecture=mlp", "trainer.max_epochs=1"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    return tmp_path


@pytest.fixture
def end_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda code: monkeypatch.setattr(sweeping, "run_sweep", lambda *_, **__: code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errors.INTERRUPTED, KeyboardInterrupt),
        (errors.TERMINATED, TerminatedError),
        (errors.HUNG_UP, TerminatedError),
    ],
)
def test_stop_is_raised(
    end_with: Callable[[int], None], code: int, kind: type[BaseException]
) -> None:
    end_with(code)
    with pytest.raises(kind):
        ablab.sweep("demo")


def test_a_part_of_the_plan_can_be_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []

    def run(*_: Any, selection: Selection, **__: Any) -> int:
        chosen.append(selection)
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeping, "run_sweep", run)
    with pytest.raises(KeyboardInterrupt):
        ablab.sweep("demo", only="variant=relu,tanh", shard="2/3", max_trials=4, retry_failed=True)
    assert chosen == [Selection({"variant": ["relu,tanh"]}, (2, 3), 4, retry_failed=True)]
    with pytest.raises(errors.InputError, match="--shard must be I/N"):
        ablab.sweep("demo", shard="4/3")


@pytest.mark.parametrize("name", [{"question": "?"}, None, 3])
def test_name_must_be_a_string(name: Any) -> None:
    with pytest.raises(errors.InputError, match="name must be the name of a YAML in sweeps/, got"):
        ablab.sweep(name)


def test_faults_are_raised_and_nothing_is_written(folder: Path) -> None:
    with pytest.raises(errors.InputError, match="did you mean demo"):
        ablab.sweep("dmo")
    with pytest.raises(errors.InputError, match=r"sweep\.seeds must be"):
        ablab.sweep("demo", sweep={"seeds": "3"})
    assert not (folder / "lab").exists()


def test_unknown_form_of_a_report_is_refused() -> None:
    with pytest.raises(errors.InputError, match="form must be latex or pdf, got 'docx'"):
        sweeping.SweepResult("demo", Lab(Path("lab"))).report("docx")


def test_table_in_a_notebook_is_escaped() -> None:
    html = notebook.as_html(Text("<img src=x> [bold] \x1b[31m", "red"))
    assert "&lt;img src=x&gt; [bold]" in html
    assert "<img" not in html
    assert "\x1b" not in html


@pytest.mark.slow
def test_sweep_equals_that_of_the_command(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = ablab.sweep("activations", **SMALL, offline=True)
    assert "6 of 6 done" in capfd.readouterr().out
    assert len(result.read().trials) == 6
    assert result.verdict in repr(result)
    assert "elu" in result._repr_html_()
    report = result.report("latex")
    assert report.html.is_file()
    assert report.latex.is_file()

    grid = "sweep.grid={activation:[relu,elu]}"
    assert cli.main(["sweep", *COMMAND, "sweep.seeds=3", grid, "--offline"]) == 0
    assert "6 finished, 0 to train" in capfd.readouterr().out
    assert Lab(folder / "lab").sweeps() == [result.name]
    again = ablab.sweep("activations", **SMALL, offline=True, quiet=True)
    assert again == result
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_second_sweep_uses_the_lab_of_its_own_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fork server of the first sweep, with the older environment, forks its trials too."""
    options = {**SMALL, "offline": True, "quiet": True}
    assert not ablab.sweep("activations", **options).failures
    monkeypatch.setenv("ABLAB_HOME", str(folder / "other/lab"))
    shutil.rmtree(folder / "lab")
    assert not ablab.sweep("activations", **options).failures
    assert not (folder / "lab").exists()


@pytest.mark.slow
def test_failed_trials_are_warned_of_and_listed(folder: Path) -> None:
    (folder / "conf/activation").mkdir(parents=True)
    (folder / "conf/activation/broken.yaml").write_text("# mine\n_target_: broken_of_api.Broken\n")
    (folder / "broken_of_api.py").write_text(
        "from torch import nn\n"
        "class Broken(nn.ReLU):\n"
        "    def forward(self, x):\n"
        "        if self.training and x.requires_grad and x.shape[0] > 16:\n"
        "            raise KeyError('no <b>')\n"
        "        return super().forward(x)\n"
    )
    grid = {"activation": ["relu", "broken"]}
    options = {**SMALL, "sweep": {"seeds": 1, "grid": grid}, "offline": True, "quiet": True}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        with pytest.warns(RuntimeWarning, match=r"1 trials of .* failed; .*: KeyError"):
            result = ablab.sweep("activations", **options, allow="broken_of_api")
    assert list(result.failures.values()) == ["KeyError: 'no <b>'"]
    assert "<b>" not in result._repr_html_()
