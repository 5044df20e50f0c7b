"""README.md: its commands run and print what it quotes, and what it names exists."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ablab.cli.parser import make_parser
from ablab.config.compose import AXES, GROUPS
from ablab.sweep import rules

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")
HOUR = re.split(r"^## ", TEXT.split("\n## First hour\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
BLOCK = re.compile(r"(?:`([\w./]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 180.0  # for one command, on a machine that has other work


@dataclass(frozen=True)
class Step:
    """A file to write, or a command with the output that is quoted."""

    file: str
    content: str
    command: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        return self.content.splitlines()

    @property
    def is_interrupted(self) -> bool:
        return "^C" in self.lines

    @property
    def exit_codes(self) -> tuple[int, ...]:
        """130 after Ctrl-C, 2 where `ablab:` says what is wrong; MLflow's server has its own."""
        if self.command[:2] == ("ablab", "ui"):
            return (0, 130, -signal.SIGINT)
        if self.is_interrupted:
            return (130,)
        return (2,) if self.content.startswith("ablab: ") else (0,)


def steps() -> Iterator[Step]:
    for file, language, content in BLOCK.findall(HOUR):
        if language == "console":
            for session in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
                command, _, output = session.partition("\n")
                yield Step("", output, tuple(shlex.split(command)))
        elif file:
            yield Step(file, content)


STEPS = list(steps())
COMMANDS = [step for step in STEPS if step.command]
WRITTEN = [step.file for step in STEPS if step.file]


def pattern(line: str) -> str:
    """A quoted line: `…` stands for anything; fractions, ports and the width of blanks are free."""
    free = {"…": ".*", "blanks": r"\s+", "fraction": r"\d+\.\d+", "port": r":\d+"}
    form = re.compile(r"(?P<blanks>\s+)|(?P<fraction>\d+\.\d+)|(?P<port>:\d{4,5}\b)|…|[^\s\d:…]+|.")
    return "".join(
        free.get(found.lastgroup or found[0]) or re.escape(found[0])
        for found in form.finditer(line.strip())
    )


def whole_pattern(lines: list[str]) -> re.Pattern[str]:
    """A session: lines of `…` stand for any, and so does Ctrl-C, which takes its time to arrive."""
    quoted = ["…" if line == "^C" else line for line in lines if line]
    text = "".join(r"(?:.*\n)*?" if q == "…" else rf"\s*{pattern(q)}\s*?\n" for q in quoted)
    return re.compile(text + (r"\s*\Z" if quoted[-1] != "…" else ""))


def test_quoted_output_is_compared_with_what_is_free_in_it() -> None:
    quoted = whole_pattern(["Trial abc starts: 2 epochs", "…", "test accuracy  80.56%"])
    assert quoted.match("Trial abc starts: 2 epochs\nmore\ntest accuracy   79.1% \n")
    assert not quoted.match("Trial abc starts: 3 epochs\nmore\ntest accuracy   79.1% \n")
    assert not quoted.match("Trial abc starts: 2 epochs\ntest accuracy   79.1% \nmore\n")


def environment() -> dict[str, str]:
    """A newcomer's: no setting of ours or MLflow's, and `ablab` and `python` on the path."""
    ours = ("ABLAB_HOME", "ABLAB_ALLOW", "MLFLOW_", "OMP_", "PYTEST_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    scripts = Path(sys.executable).parent
    assert (scripts / "ablab").exists(), "ablab must be installed beside this Python"
    return kept | {"PATH": f"{scripts}{os.pathsep}{kept['PATH']}"}


def run(step: Step, folder: Path) -> str:
    """Run a command as a terminal would, Ctrl-C included; its exit code is as documented."""
    with subprocess.Popen(
        step.command,
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        alarm = threading.Timer(SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        alarm.start()
        assert process.stdout is not None
        output = ""
        if step.is_interrupted:
            said = [line for line in step.lines[: step.lines.index("^C")] if line != "…"]
            for line in process.stdout:
                output += line
                if re.match(pattern(said[-1]), line.strip()):
                    break
            for address in re.findall(r"http://127\.0\.0\.1:\d+", output):
                wait_for(address)
            os.killpg(process.pid, signal.SIGINT)
        output += process.stdout.read()
        code = process.wait()
        alarm.cancel()
    assert code in step.exit_codes, output
    return output


def wait_for(address: str) -> None:
    """Wait until a page answers."""
    give_up = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, TimeoutError):
            assert time.monotonic() < give_up, f"{address} does not answer"
            time.sleep(0.3)


@pytest.mark.slow
def test_first_hour_runs_as_written(tmp_path: Path) -> None:
    """In order, in an empty folder; what needs MNIST where `ABLAB_DATA` holds it."""
    for step in STEPS:
        if step.file:
            (tmp_path / step.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / step.file).write_text(step.content, "utf-8")
        elif "ABLAB_DATA" in os.environ or "mnist" not in " ".join(step.command):
            output = run(step, tmp_path)
            assert whole_pattern(step.lines).match(output), f"{step.command} printed\n{output}"
    for name in spans(r"lab/[\w./]+"):
        assert (tmp_path / name).exists(), name


def spans(form: str = ".+") -> list[str]:
    """The inline code that has this form."""
    return [
        span for span in re.findall(r"`([^`\n]+)`", BLOCK.sub("", TEXT)) if re.fullmatch(form, span)
    ]


def shown_commands() -> list[list[str]]:
    """Every command of the page, with what `…` leaves out left out."""
    sessions = [list(step.command) for step in COMMANDS]
    indented = re.findall(r"^    (make .*?)(?:  +#.*)?$", TEXT, re.MULTILINE)
    scripts = "".join(text for _, kind, text in BLOCK.findall(TEXT) if kind == "sh")
    named = [*spans(r"(make|ablab) .*"), *indented, *scripts.splitlines()]
    words = [shlex.split(text, comments=True) for text in named]
    return sessions + [[word for word in line if word != "…"] for line in words]


def calls_of(program: str) -> list[list[str]]:
    found = [words[1:] for words in shown_commands() if words[0] == program]
    assert len(found) > 5
    return found


def test_page_has_files_commands_and_links() -> None:
    assert len(COMMANDS) > 20
    assert len(WRITTEN) > 3
    assert len(spans()) > 100


@pytest.mark.parametrize("words", calls_of("make"), ids=" ".join)
def test_make_targets_exist(words: list[str]) -> None:
    rule = re.findall(r"^([a-z%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in (word for word in words if "=" not in word):
        stem = target.partition("-")[2]
        if target in rule:
            continue
        assert target.replace(stem, "%") in rule
        assert (ROOT / f"sweeps/{stem}.yaml").is_file()
    variables = {word.split("=")[0] for word in words if "=" in word}
    assert variables <= {"A", "ARGS", "B", "PYTHON", "TORCH"}


@pytest.mark.parametrize("words", calls_of("ablab"), ids=" ".join)
def test_commands_and_their_options_exist(words: list[str]) -> None:
    parser = make_parser()
    if len(words) > 1:
        parser.parse_args(words)
    else:  # `ablab train` in a sentence: the command alone
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([*words, "--help"])
        assert ended.value.code == 0


def test_options_in_sentences_exist() -> None:
    known = {word for words in calls_of("ablab") for word in words if word.startswith("--")}
    assert set(spans("--[a-z-]+")) <= known


def chosen() -> list[tuple[str, str]]:
    """Every `key=value` that the page sets."""
    lines = [" ".join(words) for words in shown_commands()]
    return re.findall(r"([a-z_.]+)=([\w.-]+)", " ".join([*lines, *spans()]))


def test_components_that_are_chosen_exist() -> None:
    mine = {name for name in WRITTEN if name.startswith("conf/")}
    refused = {("activation", "gelo")}
    asked = {(k, v) for k, v in chosen() if k in GROUPS} - refused
    assert len(asked) > 8
    for axis, name in asked:
        file = f"conf/{axis}/{name}.yaml"
        assert file in mine or (ROOT / file).is_file(), file


def test_keys_that_are_set_exist() -> None:
    scalars = {k for k, _ in chosen() if k not in GROUPS}
    assert {"batch_size", "trainer.max_epochs", "launcher.slots", "sweep.seeds"} <= scalars
    for key in scalars:
        group, _, name = key.partition(".")
        if group == "sweep":
            assert name in rules.KEYS
        elif name:
            files = (ROOT / "conf" / group).glob("*.yaml")
            assert any(name in yaml.safe_load(file.read_text("utf-8")) for file in files), key
        else:
            assert key in yaml.safe_load((ROOT / "conf/config.yaml").read_text("utf-8")), key


def test_files_that_are_named_exist() -> None:
    named = spans(r"(conf|sweeps|src|tests|docs|\.ci)/[\w./-]*|\w+\.(txt|md|toml|py)")
    assert len(named) > 5
    for name in set(named) - set(WRITTEN) - {"report.md"}:
        assert (ROOT / name).exists(), name


def table(header: str) -> list[str]:
    """The code spans in the first column of the table that begins so."""
    rows = TEXT.split(f"\n{header}")[1].split("\n\n")[0].splitlines()[2:]
    return [span for row in rows for span in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_every_sweep_is_in_the_table() -> None:
    assert sorted(table("| sweep |")) == sorted(file.stem for file in (ROOT / "sweeps").iterdir())


def test_every_axis_is_in_the_table() -> None:
    assert sorted(table("| axis |")) == sorted(AXES)


def test_every_key_of_a_sweep_is_in_the_table() -> None:
    assert set(table("| key |")) == set(rules.KEYS) - {"tune"}
    assert set(rules.KINDS) <= set(spans())


def test_sample_sweep_is_the_shipped_one() -> None:
    sample = BLOCK.findall(TEXT.split("\n## Write a sweep\n")[1])[0][2]
    shipped = (ROOT / "sweeps/activations.yaml").read_text("utf-8")
    assert yaml.safe_load(sample) == yaml.safe_load(shipped)


def test_environment_variables_are_read() -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "src").rglob("*.py"))
    named = set(re.findall(r"\b(?:ABLAB|MLFLOW)_[A-Z_]+", TEXT))
    assert {"ABLAB_HOME", "ABLAB_DATA", "ABLAB_ALLOW", "MLFLOW_TRACKING_URI"} <= named
    assert [name for name in named if name not in sources] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_local_links_resolve(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text("utf-8"))
    assert [to for to in links if "://" not in to and not (ROOT / to).exists()] == []


def test_pictures_are_shown_and_small() -> None:
    pictures = sorted(file for file in (ROOT / "docs/pictures").iterdir() if file.is_file())
    assert [f"docs/pictures/{file.name}" for file in pictures] == sorted(
        re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    )
    for file in pictures:
        assert file.read_bytes().startswith(b"\x89PNG")
        assert file.stat().st_size < 300_000
