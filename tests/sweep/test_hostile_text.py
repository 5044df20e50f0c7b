"""Names and questions of other authors are printed verbatim, without any effect on a terminal."""

import io
from pathlib import Path

import pytest

from ablab import cli, terminal
from ablab.sweep.console.status import status
from ablab.sweep.engine import run_sweep
from ablab.terminal import SafeConsole
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Cell, Part, write_part
from ablab.tracking.spec import read_spec

HOSTILE = "\x1b[31mred \x07[bold]x[/] [/nothing] :smile: <b>"
SEEN = "\\x1b[31mred \\x07[bold]x[/] [/nothing] :smile: <b>"
CONTROL = set("\x1b\x07\x9b\u202e")


def console(*, is_terminal: bool) -> SafeConsole:
    return SafeConsole(file=io.StringIO(), width=300, force_terminal=is_terminal, no_color=True)


def written(to: SafeConsole) -> str:
    return to.file.getvalue()  # type: ignore[attr-defined]


def test_question_and_names_of_a_yaml_are_printed_verbatim(sweeps: Path):
    (sweeps / "mine.yaml").write_text(
        "sweep:\n"
        '  question: "\\e[31mred \\a[bold]x[/] [/nothing] :smile: <b>"\n'
        "  kind: best\n"
        "  variants: {'[red]a[/red] [/]': {}, ':smile: =1+1': {activation: tanh}}\n"
        '  exclude: [{activation: tanh, reason: "\\e[1mwhy [/]"}]\n'
        "  blocks: {'[dim]': {}, b: {batch_size: 64}}\n"
    )
    out = console(is_terminal=False)
    assert run_sweep("mine", ["trainer.max_epochs=1"], dry_run=True, console=out) == 0
    text = written(out)
    assert f": {SEEN}\n" in text
    assert "[red]a[/red] [/] · seed 0" in text
    assert "left out: :smile: =1+1 in [dim]: \\x1b[1mwhy [/]" in text
    assert not set(text) & CONTROL


@pytest.mark.parametrize("is_terminal", [True, False])
def test_control_characters_of_a_plan_are_escaped(lab: Lab, is_terminal: bool):
    cell = Cell(HOSTILE, 0, HOSTILE, "0" * 16)
    spec = {
        "question": HOSTILE,
        "metric": "test/accuracy",
        "seeds": [0],
        "variants": {HOSTILE: {}},
        "blocks": {HOSTILE: {}},
    }
    trial = {"config": {"trainer": {"max_epochs": 1}}, "outside_key": []}
    part = Part("comparison", 0.0, "ablab sweep mine", read_spec(spec), (cell,), {cell.key: trial})
    write_part(lab.sweep_folder("mine"), part)
    for name in ("mine", None):
        out = console(is_terminal=is_terminal)
        status(name, [], out, lab)
        text = written(out)
        assert SEEN in text
        assert "\x1b[31m" not in text
        assert "\x07" not in text


def test_message_about_hostile_text_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["train", "backend=\x1b[2J\nsecond: line"]) == 2
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert not set(text) & CONTROL


def test_control_characters_of_a_component_are_escaped_in_listings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "conf" / "activation"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("# \x9b31mred [/] :smile:\n_target_: torch.nn.CELU\n")
    assert cli.main(["list", "activation"]) == 0
    assert cli.main(["list", "activation", "mine"]) == 0
    text = capsys.readouterr().out
    assert text.count("\\x9b31mred [/] :smile:") == 2
    assert not set(text) & CONTROL


def test_every_command_prints_through_the_safe_console():
    assert isinstance(terminal.make_console(), SafeConsole)
    from ablab.cli.command import console as commands_own

    assert isinstance(commands_own(), SafeConsole)
