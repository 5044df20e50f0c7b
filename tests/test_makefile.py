"""What `make` does, seen through a stub Python that writes down how it is called."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = [
    "awk",
    "cat",
    "chmod",
    "cksum",
    "cp",
    "dirname",
    "find",
    "make",
    "mkdir",
    "rm",
    "sed",
    "sh",
]
PROMISED = [
    "install",
    "demo",
    "test",
    "check",
    "train",
    "sweep-%",
    "status-%",
    "report-%",
    "latex-%",
    "compare",
    "docs",
    "ui",
    "clean",
    "help",
]
STUB = """#!/bin/sh
case "$1 $2" in
    "-c import sys"*) printf '%s\\n' "$VERSION" "$STUB"; exit ;;
    "-c import ensurepip"*) exit "$NO_VENV" ;;
    "-m pip") echo "$*" >>"$CALLS"; exit "$NO_PIP" ;;
    "-m venv") mkdir -p .venv/bin; cp "$STUB" .venv/bin/python ;;
esac
echo "$*" >>"$CALLS"
"""


class Clone:
    """The files of a clone that `make` reads, a stub Python, and a PATH with no other Python."""

    def __init__(self, folder: Path) -> None:
        self.top = folder / "a clone"
        (self.top / ".ci").mkdir(parents=True)
        for name in ("Makefile", ".ci/venv", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.top / name)
        self.path = folder / "bin"
        self.path.mkdir()
        for tool in TOOLS:
            (self.path / tool).symlink_to(shutil.which(tool) or tool)
        self.program("df", "#!/bin/sh\nprintf 'head\\ndisk 1 1 %s 0 /\\n' $((FREE * 1048576))\n")
        self.program("uname", '#!/bin/sh\necho "$SYSTEM"\n')
        self.program("python3", STUB)
        self.calls_file = folder / "calls"
        self.env = {
            "PATH": str(self.path),
            "STUB": str(self.path / "python3"),
            "CALLS": str(self.calls_file),
            "VERSION": "3.12.4",
            "NO_VENV": "0",
            "NO_PIP": "0",
            "FREE": "100",
            "SYSTEM": "Linux",
        }

    def program(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def make(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *words],
            cwd=self.top,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self, *words: str, **env: str) -> list[str]:
        """How Python was called by one `make` that has to succeed."""
        self.calls_file.write_text("")
        done = self.make(*words, **env)
        assert done.returncode == 0, done.stderr
        return self.calls_file.read_text().splitlines()

    def refusal(self, *words: str, **env: str) -> str:
        """The one line with which `make` refuses, before it made or fetched anything."""
        done = self.make(*words, **env)
        assert done.returncode != 0
        assert not self.calls_file.exists()
        lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
        assert len(lines) == 1, done.stderr
        return lines[0]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def made(calls: Sequence[str]) -> bool:
    return "-m venv .venv" in calls


def installed(calls: Sequence[str]) -> list[str]:
    """What pip was asked for, call by call."""
    return [call.split("-c constraints.txt ")[1] for call in calls if call.startswith("-m pip")]


def test_help_is_the_default_and_names_every_target(clone: Clone) -> None:
    shown = clone.make().stdout
    listed = re.findall(r"^  ([a-z%-]+)  +\S", shown, re.MULTILINE)
    assert sorted(listed) == sorted(PROMISED)
    assert shown == clone.make("help").stdout
    assert not (clone.top / ".venv").exists()


def test_makefile_keeps_to_make_of_2006() -> None:
    text = (ROOT / "Makefile").read_text()
    assert not re.search(r"\.ONESHELL|\$\(file |!=|&:|^\s*load ", text, re.MULTILINE)


def test_install_is_done_once(clone: Clone) -> None:
    first = clone.calls("install")
    assert made(first)
    assert installed(first) == ["-e ."]
    assert clone.calls("install") == []


def test_install_ends_with_what_to_type_next(clone: Clone) -> None:
    for words in (("install",), ("install",), ("install", "ARGS=x")):
        last = clone.make(*words).stdout.splitlines()
        assert f'. "{clone.top}/.venv/bin/activate"' in "\n".join(last[-3:])
        assert last[-2].split()[:3] == ["ablab", "sweep", "demo"]
    for words in (("demo",), ("train",), ("ui",)):
        assert "Next, in any folder" not in clone.make(*words).stdout


def test_every_target_sets_up_what_it_needs(clone: Clone) -> None:
    first = clone.calls("train", 'ARGS=architecture=resnet18 "dataset=cifar100"')
    assert installed(first) == ["-e ."]
    assert first[-1] == "-m ablab train architecture=resnet18 dataset=cifar100"


def test_demo_is_a_sweep_and_its_report(clone: Clone) -> None:
    clone.calls("install")
    assert clone.calls("demo", "ARGS=sweep.seeds=2") == [
        "-m ablab sweep demo --report sweep.seeds=2",
    ]


@pytest.mark.parametrize(
    ("target", "call"),
    [
        ("sweep-activations", "-m ablab sweep activations --fetch seed=1"),
        ("status-activations", "-m ablab status activations seed=1"),
        ("report-activations", "-m ablab report activations seed=1"),
        ("latex-activations", "-m ablab report activations --latex seed=1"),
        ("ui", "-m ablab ui seed=1"),
    ],
)
def test_target_calls_its_command_whatever_files_there_are(
    target: str, call: str, clone: Clone
) -> None:
    clone.calls("install")
    (clone.top / target).touch()
    assert clone.calls(target, "ARGS=seed=1") == [call]


def test_docs_writes_the_generated_pages_and_then_builds_the_site(clone: Clone) -> None:
    *made, built = clone.calls("docs")[-5:]
    assert made == [
        f"-B docs/{name}.py" for name in ("by_hand", "catalogue", "commands", "glossary")
    ]
    assert built == "-m sphinx -W --keep-going -q -b html docs docs/_build/html"


def test_compare_runs_two_names_whatever_is_in_them(clone: Clone) -> None:
    clone.calls("install")
    words = ["compare", "A=demo [trainer.max_epochs=3]", "B=there:demo@0a1b", "ARGS=--to here"]
    assert clone.calls(*words) == [
        "-m ablab compare demo [trainer.max_epochs=3] there:demo@0a1b --to here",
    ]


def test_tests_add_the_tools_and_a_user_needs_none(clone: Clone) -> None:
    clone.calls("install")
    calls = clone.calls("test")
    assert not made(calls)
    assert installed(calls) == ["-e .[dev,docs]"]
    assert clone.calls("install") == []
    assert installed(clone.calls("test")) == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_input_brings_up_to_date(name: str, clone: Clone) -> None:
    clone.calls("install")
    with (clone.top / name).open("a") as file:
        file.write("# a new line\n")
    assert installed(clone.calls("install")) == ["-e ."]
    assert clone.calls("install") == []


def test_moved_clone_is_set_up_anew(clone: Clone) -> None:
    clone.calls("install")
    clone.top = clone.top.rename(clone.top.with_name("moved"))
    assert made(clone.calls("install"))
    assert clone.calls("install") == []


def test_copied_clone_is_set_up_anew_and_the_first_is_left(clone: Clone) -> None:
    clone.calls("install")
    first = clone.top
    clone.top = shutil.copytree(first, first.with_name("copy"))
    assert made(clone.calls("install"))
    clone.top = first
    assert clone.calls("install") == []


def test_other_python_makes_it_anew(clone: Clone) -> None:
    clone.calls("install")
    assert made(clone.calls("install", VERSION="3.13.0"))
    assert clone.calls("install", VERSION="3.13.0") == []


def test_named_python_is_used(clone: Clone) -> None:
    clone.program("mine", STUB)
    clone.program("python3", "#!/bin/sh\nexit 1\n")
    assert made(clone.calls("install", "PYTHON=mine", STUB=str(clone.path / "mine")))


def test_vanished_python_makes_it_anew(clone: Clone) -> None:
    clone.calls("install")
    (clone.top / ".venv/bin/python").unlink()
    assert made(clone.calls("install"))


def test_small_torch_comes_from_its_own_index_and_is_remembered(clone: Clone) -> None:
    assert "--index-url" not in "".join(clone.calls("install"))
    calls = clone.calls("install", "TORCH=cpu")
    assert made(calls)
    index = "--index-url https://download.pytorch.org/whl/cpu"
    assert installed(calls) == [f"--no-deps {index} torch", "-e ."]
    assert clone.calls("install") == []
    assert made(clone.calls("install", "TORCH=default"))


def test_small_torch_outlives_a_move(clone: Clone) -> None:
    clone.calls("install", "TORCH=cpu")
    clone.top = clone.top.rename(clone.top.with_name("moved"))
    assert len(installed(clone.calls("install"))) == 2


def test_failed_install_is_tried_again(clone: Clone) -> None:
    assert clone.make("install", NO_PIP="1").returncode != 0
    calls = clone.calls("install")
    assert not made(calls)
    assert installed(calls) == ["-e ."]


def test_failed_update_is_not_undone_by_the_old_inputs(clone: Clone) -> None:
    clone.calls("install")
    pins = clone.top / "constraints.txt"
    before = pins.read_text()
    pins.write_text(before + "# a new line\n")
    assert clone.make("install", NO_PIP="1").returncode != 0
    pins.write_text(before)
    assert installed(clone.calls("install")) == ["-e ."]


def test_missing_python_is_one_line(clone: Clone) -> None:
    (clone.path / "python3").unlink()
    assert "PYTHON must be 3.11 or newer" in clone.refusal("demo")


def test_old_python_is_one_line(clone: Clone) -> None:
    disguise = "import sys; sys.version_info = (3, 10, 13, 'final', 0)"
    clone.program("old", f"#!/bin/sh\nexec '{sys.executable}' -c \"{disguise}\n$2\"\n")
    line = clone.refusal("demo", "PYTHON=old")
    assert "PYTHON must be 3.11 or newer, got none (old)" in line


def test_old_python_is_passed_over(clone: Clone) -> None:
    clone.program("python3.12", STUB)
    clone.program("python3", "#!/bin/sh\necho 3.10.13\necho old\nexit 1\n")
    assert made(clone.calls("install", STUB=str(clone.path / "python3.12")))


def test_missing_venv_is_one_line_with_its_package(clone: Clone) -> None:
    assert "apt install python3.12-venv" in clone.refusal("demo", NO_VENV="1")


@pytest.mark.parametrize(
    ("torch", "system", "needed"),
    [("cpu", "Linux", 2), ("default", "Linux", 7), ("default", "Darwin", 2)],
)
def test_full_disk_is_one_line_with_what_is_needed(
    torch: str, system: str, needed: int, clone: Clone
) -> None:
    line = clone.refusal("demo", f"TORCH={torch}", FREE=str(needed - 1), SYSTEM=system)
    assert f"must be about {needed} GB, got {needed - 1} GB" in line


def test_unknown_torch_is_one_line(clone: Clone) -> None:
    assert "TORCH must be cpu or default, got gpu" in clone.refusal("demo", "TORCH=gpu")


def test_clean_leaves_lab_and_data(clone: Clone) -> None:
    clone.calls("install")
    kept = [clone.top / "lab/__pycache__", clone.top / "data/__pycache__"]
    gone = [clone.top / ".venv", clone.top / "src/__pycache__", clone.top / ".mypy_cache"]
    gone.append(clone.top / "docs/_build")
    for folder in kept + gone:
        folder.mkdir(parents=True, exist_ok=True)
    assert clone.calls("clean") == []
    assert all(folder.exists() for folder in kept)
    assert not any(folder.exists() for folder in gone)
