"""The Makefile, run with a stub Python that records its calls."""

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
TARGETS = [
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
    """Contains the files that `make` reads, a stub Python, and a PATH with no other Python."""

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

    def make(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments],
            cwd=self.top,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self, *arguments: str, **env: str) -> list[str]:
        """Return the calls of Python by one `make`, which must succeed."""
        self.calls_file.write_text("")
        done = self.make(*arguments, **env)
        assert done.returncode == 0, done.stderr
        return self.calls_file.read_text().splitlines()

    def refusal(self, *arguments: str, **env: str) -> str:
        """Return the only line that `make` prints when it refuses before any call."""
        done = self.make(*arguments, **env)
        assert done.returncode != 0
        assert not self.calls_file.exists()
        lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
        assert len(lines) == 1, done.stderr
        return lines[0]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def makes_venv(calls: Sequence[str]) -> bool:
    return "-m venv .venv" in calls


def installed(calls: Sequence[str]) -> list[str]:
    """Return the arguments of pip, one string per call."""
    return [call.split("-c constraints.txt ")[1] for call in calls if call.startswith("-m pip")]


def test_help_is_the_default_and_lists_every_target(clone: Clone) -> None:
    output = clone.make().stdout
    listed = re.findall(r"^  ([a-z%-]+)  +\S", output, re.MULTILINE)
    assert sorted(listed) == sorted(TARGETS)
    assert output == clone.make("help").stdout
    assert not (clone.top / ".venv").exists()


def test_makefile_works_with_make_3_81() -> None:
    text = (ROOT / "Makefile").read_text()
    assert not re.search(r"\.ONESHELL|\$\(file |!=|&:|^\s*load ", text, re.MULTILINE)


def test_install_runs_once(clone: Clone) -> None:
    first = clone.calls("install")
    assert makes_venv(first)
    assert installed(first) == ["-e ."]
    assert clone.calls("install") == []


def test_install_prints_the_next_commands(clone: Clone) -> None:
    for arguments in (("install",), ("install",), ("install", "ARGS=x")):
        last = clone.make(*arguments).stdout.splitlines()
        assert f'. "{clone.top}/.venv/bin/activate"' in "\n".join(last[-4:])
        assert last[-3].split()[:3] == ["ablab", "sweep", "demo"]
    for target in ("demo", "train", "ui"):
        assert "Next, in any folder" not in clone.make(target).stdout


def test_target_sets_up_its_environment(clone: Clone) -> None:
    first = clone.calls("train", 'ARGS=architecture=resnet18 "dataset=cifar100"')
    assert installed(first) == ["-e ."]
    assert first[-1] == "-m ablab train architecture=resnet18 dataset=cifar100"


def test_demo_runs_a_sweep_and_its_report(clone: Clone) -> None:
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
def test_target_runs_even_if_a_file_has_its_name(target: str, call: str, clone: Clone) -> None:
    clone.calls("install")
    (clone.top / target).touch()
    assert clone.calls(target, "ARGS=seed=1") == [call]


def test_docs_generates_pages_then_builds_the_site(clone: Clone) -> None:
    *generated, built = clone.calls("docs")[-6:]
    pages = ("by_hand", "catalogue", "claims", "commands", "glossary")
    assert generated == [f"-B docs/{name}.py" for name in pages]
    assert built == "-m sphinx -W --keep-going -q -b html docs docs/_build/html"


def test_compare_accepts_names_with_special_characters(clone: Clone) -> None:
    clone.calls("install")
    arguments = ["compare", "A=demo [trainer.max_epochs=3]", "B=there:demo@0a1b", "ARGS=--to here"]
    assert clone.calls(*arguments) == [
        "-m ablab compare demo [trainer.max_epochs=3] there:demo@0a1b --to here",
    ]


def test_only_tests_install_the_tools(clone: Clone) -> None:
    clone.calls("install")
    calls = clone.calls("test")
    assert not makes_venv(calls)
    assert installed(calls) == ["-e .[dev,docs,onnx,ray,server,slurm,tune]"]
    assert clone.calls("install") == []
    assert installed(clone.calls("test")) == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_are_installed(name: str, clone: Clone) -> None:
    clone.calls("install")
    with (clone.top / name).open("a") as file:
        file.write("# a new line\n")
    assert installed(clone.calls("install")) == ["-e ."]
    assert clone.calls("install") == []


def test_moved_clone_is_set_up_again(clone: Clone) -> None:
    clone.calls("install")
    clone.top = clone.top.rename(clone.top.with_name("moved"))
    assert makes_venv(clone.calls("install"))
    assert clone.calls("install") == []


def test_copied_clone_is_set_up_again_and_the_original_is_not(clone: Clone) -> None:
    clone.calls("install")
    first = clone.top
    clone.top = shutil.copytree(first, first.with_name("copy"))
    assert makes_venv(clone.calls("install"))
    clone.top = first
    assert clone.calls("install") == []


def test_other_python_recreates_the_environment(clone: Clone) -> None:
    clone.calls("install")
    assert makes_venv(clone.calls("install", VERSION="3.13.0"))
    assert clone.calls("install", VERSION="3.13.0") == []


def test_named_python_is_used(clone: Clone) -> None:
    clone.program("mine", STUB)
    clone.program("python3", "#!/bin/sh\nexit 1\n")
    assert makes_venv(clone.calls("install", "PYTHON=mine", STUB=str(clone.path / "mine")))


def test_missing_python_recreates_the_environment(clone: Clone) -> None:
    clone.calls("install")
    (clone.top / ".venv/bin/python").unlink()
    assert makes_venv(clone.calls("install"))


def test_cpu_torch_comes_from_its_own_index_and_is_kept(clone: Clone) -> None:
    assert "--index-url" not in "".join(clone.calls("install"))
    calls = clone.calls("install", "TORCH=cpu")
    assert makes_venv(calls)
    index = "--index-url https://download.pytorch.org/whl/cpu"
    assert installed(calls) == [f"--no-deps {index} torch", "-e ."]
    assert clone.calls("install") == []
    assert makes_venv(clone.calls("install", "TORCH=default"))


def test_cpu_torch_is_kept_when_the_clone_moves(clone: Clone) -> None:
    clone.calls("install", "TORCH=cpu")
    clone.top = clone.top.rename(clone.top.with_name("moved"))
    assert len(installed(clone.calls("install"))) == 2


def test_failed_install_is_repeated(clone: Clone) -> None:
    assert clone.make("install", NO_PIP="1").returncode != 0
    calls = clone.calls("install")
    assert not makes_venv(calls)
    assert installed(calls) == ["-e ."]


def test_failed_update_is_repeated_with_the_old_requirements(clone: Clone) -> None:
    clone.calls("install")
    pins = clone.top / "constraints.txt"
    before = pins.read_text()
    pins.write_text(before + "# a new line\n")
    assert clone.make("install", NO_PIP="1").returncode != 0
    pins.write_text(before)
    assert installed(clone.calls("install")) == ["-e ."]


def test_missing_python_is_reported_in_one_line(clone: Clone) -> None:
    (clone.path / "python3").unlink()
    assert "PYTHON must be 3.11 or newer" in clone.refusal("demo")


def test_old_python_is_reported_in_one_line(clone: Clone) -> None:
    disguise = "import sys; sys.version_info = (3, 10, 13, 'final', 0)"
    clone.program("old", f"#!/bin/sh\nexec '{sys.executable}' -c \"{disguise}\n$2\"\n")
    line = clone.refusal("demo", "PYTHON=old")
    assert "PYTHON must be 3.11 or newer, got none (old)" in line


def test_old_python_is_skipped(clone: Clone) -> None:
    clone.program("python3.12", STUB)
    clone.program("python3", "#!/bin/sh\necho 3.10.13\necho old\nexit 1\n")
    assert makes_venv(clone.calls("install", STUB=str(clone.path / "python3.12")))


def test_missing_venv_is_reported_with_its_package(clone: Clone) -> None:
    assert "apt install python3.12-venv" in clone.refusal("demo", NO_VENV="1")


@pytest.mark.parametrize(
    ("torch", "system", "needed"),
    [("cpu", "Linux", 2), ("default", "Linux", 7), ("default", "Darwin", 2)],
)
def test_full_disk_is_reported_with_the_space_needed(
    torch: str, system: str, needed: int, clone: Clone
) -> None:
    line = clone.refusal("demo", f"TORCH={torch}", FREE=str(needed - 1), SYSTEM=system)
    assert f"must be about {needed} GB, got {needed - 1} GB" in line


def test_unknown_torch_is_reported_in_one_line(clone: Clone) -> None:
    assert "TORCH must be cpu or default, got gpu" in clone.refusal("demo", "TORCH=gpu")


def test_clean_keeps_lab_and_data(clone: Clone) -> None:
    clone.calls("install")
    kept = [clone.top / "lab/__pycache__", clone.top / "data/__pycache__"]
    removed = [clone.top / ".venv", clone.top / "src/__pycache__", clone.top / ".mypy_cache"]
    removed.append(clone.top / "docs/_build")
    for folder in kept + removed:
        folder.mkdir(parents=True, exist_ok=True)
    assert clone.calls("clean") == []
    assert all(folder.exists() for folder in kept)
    assert not any(folder.exists() for folder in removed)
