"""What the pages of the documentation show: files, commands with quoted output, inline code."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forked import COMMAND, Program

from ablab.tracking.background_delivery import DELIVERING

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs" / "howto").glob("*.md"))
GENERATED = ("by_hand", "catalogue", "commands", "glossary")
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING")),
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.stem not in GENERATED),
    *GUIDES,
    ROOT / "docs" / "examples" / "index.md",
]
BLOCK = re.compile(r"(?:`([\w./]+)`:\n\n)?^```(?:\{[\w-]+\} )?(\w+)\n(.*?)^```$", re.M | re.S)
SECONDS = 300.0  # for one command, on a machine that has other work
POINTS = 1.5  # of an accuracy: about five of the digits' 360 test images
SHARE = 0.05  # of any other number


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


def steps(text: str) -> Iterator[Step]:
    """The files that a page writes and the commands that it runs, in order."""
    for file, language, content in BLOCK.findall(text):
        if language == "console":
            for session in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
                command, _, output = session.partition("\n")
                yield Step("", output, tuple(shlex.split(command)))
        elif file:
            yield Step(file, content)


_FORM = re.compile(
    r"(?P<blanks>\s+)|(?P<fraction>\d+\.\d+)(?P<unit>\s*(?:%|points|s\b|ms\b|min\b|[MG]B))?"
    r"|(?P<port>:\d{4,5}\b)|…|[^\s\d:…]+|."
)


def pattern(line: str) -> str:
    """A quoted line: `…` stands for anything; ports and the width of blanks are free.

    Fractions are groups, to be compared by `faults`.
    """
    parts = []
    for found in _FORM.finditer(line.strip()):
        if found["fraction"]:
            parts.append(r"(\d+\.\d+)" + re.sub(r"\s+", r"\\s*", found["unit"] or ""))
        elif found["blanks"]:
            parts.append(r"\s+")
        elif found["port"]:
            parts.append(r":\d+")
        else:
            parts.append(".*" if found[0] == "…" else re.escape(found[0]))
    return "".join(parts)


def faults(quoted: Sequence[str], output: str) -> list[str]:
    """What of an output is not as quoted: other words, or a number that is not near.

    Lines of `…` stand for any, and so does Ctrl-C, which takes its time to arrive. Accuracies and
    what is in points may be `POINTS` apart, other fractions `SHARE` of 1 or of themselves; times
    and sizes are free, and so is the line that a slow delivery prints.
    """
    output = re.sub(rf"^\s*{re.escape(DELIVERING)}\s*\n", "", output, flags=re.MULTILINE)
    lines = ["…" if line == "^C" else line for line in quoted if line]
    text = "".join(r"(?:.*\n)*?" if q == "…" else rf"\s*{pattern(q)}\s*?\n" for q in lines)
    if not lines or lines[-1] != "…":
        text += r"\s*\Z"
    match = re.match(text, output)
    if match is None:
        return ["other words"]
    wanted = [found for line in lines for found in _FORM.finditer(line) if found["fraction"]]
    told = []
    for found, got in zip(wanted, match.groups(), strict=True):
        value, unit = float(found["fraction"]), (found["unit"] or "").strip()
        in_points = unit in ("%", "points") or _is_interval(found)
        apart = abs(float(got) - value)
        free = unit in ("s", "ms", "min", "MB", "GB")
        if not free and apart > (POINTS if in_points else SHARE * max(1.0, value)):
            told.append(f"{found['fraction']} {unit}, now {got}")
    return told


def _is_interval(found: re.Match[str]) -> bool:
    """Tell a number of an interval, ``6.71 to 25.40``, whose unit stands elsewhere."""
    return bool(
        re.match(r" to ", found.string[found.end() :])
        or re.search(r" to .?$", found.string[: found.start()])
    )


def environment() -> dict[str, str]:
    """A newcomer's: no setting of ours or MLflow's, and `ablab` and `python` on the path."""
    ours = ("ABLAB_HOME", "ABLAB_ALLOW", "ABLAB_DEBUG", "MLFLOW_", "OMP_", "PYTEST_")
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
                _wait_for(address)
            os.killpg(process.pid, signal.SIGINT)
        output += process.stdout.read()
        code = process.wait()
        alarm.cancel()
    assert code in step.exit_codes, f"{step.command} ended with {code}\n{output}"
    return output


def _wait_for(address: str) -> None:
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


def subcommand(step: Step) -> str:
    """Return which command of ablab a step runs to its end, or an empty text."""
    is_one = step.command[:1] == ("ablab",) and len(step.command) > 1
    return step.command[1] if is_one and not step.is_interrupted else ""


def run_forked(step: Step, folder: Path, anew: bool) -> str:
    """Run a command of ablab without the seconds in which it imports other libraries."""
    with tempfile.TemporaryDirectory() as aside:
        output = Path(aside) / "output"
        arguments = step.command[1:]
        program = Program(
            COMMAND, arguments, folder=folder, environment=environment(), output=output, anew=anew
        )
        try:
            code = program.wait(SECONDS)
        finally:
            program.kill()
        text = output.read_text("utf-8")
    assert code in step.exit_codes, f"{step.command} ended with {code}\n{text}"
    return text


def execute(text: str, folder: Path, started: Collection[str] = ()) -> list[str]:
    """Do what a page shows, in order, in an empty folder; return what came out otherwise.

    The page's first command is started as a terminal starts it. The processes of further commands
    of ablab are forked, and each command imports ablab anew where it is run first. What needs MNIST
    is left out where ``ABLAB_DATA`` does not hold it.

    Args:
        text: the page.
        folder: empty.
        started: commands of ablab that the test of another page runs.
    """
    told, known, is_first = [], set(started), not started
    for step in steps(text):
        if step.file:
            (folder / step.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / step.file).write_text(step.content, "utf-8")
        elif "ABLAB_DATA" in os.environ or "mnist" not in " ".join(step.command):
            name = subcommand(step)
            if name and not is_first:
                output = run_forked(step, folder, anew=name not in known)
            else:
                output = run(step, folder)
            is_first = False
            known.add(name)
            if wrong := faults(step.lines, output):
                told.append(f"{shlex.join(step.command)}: {'; '.join(wrong)}\n{output}")
    return told


def spans(text: str, form: str = ".+") -> list[str]:
    """The inline code that has this form."""
    inline = re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    return [span for span in inline if re.fullmatch(form, span)]


def shown_commands(text: str) -> list[list[str]]:
    """Every command of a page, with what `…` leaves out left out."""
    sessions = [list(step.command) for step in steps(text) if step.command]
    indented = re.findall(r"^    ((?:make|ablab) .*?)(?:  +#.*)?$", text, re.MULTILINE)
    scripts = "".join(block for _, kind, block in BLOCK.findall(text) if kind == "sh")
    named = [*spans(text, r"(make|ablab) .*"), *indented, *scripts.splitlines()]
    words = sessions + [shlex.split(line, comments=True) for line in named]
    return [_without_variables([word for word in line if word != "…"]) for line in words if line]


def _without_variables(words: list[str]) -> list[str]:
    """Return a command behind ``env NAME=value``."""
    if words[:1] != ["env"]:
        return words
    return words[next(i for i, word in enumerate(words[1:], 1) if "=" not in word) :]
