"""What the package holds, and that it works where it is installed."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
ASKED = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
PIN = re.compile(r'[a-z0-9-]+==[0-9][0-9a-z.]*(; python_version (<|>=) "3\.\d+")?')


def tracked() -> list[Path]:
    """The files of the repository; a test that needs them is skipped outside one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("needs the git repository")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert files
    return [file for file in files if file.is_file()]


def pins() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def python(*words: str, cwd: Path, **env: str) -> str:
    """The output of a Python that sees only what it is told to."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ABLAB"))}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=inherited | env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*.yaml"))


def test_sources_are_found() -> None:
    assert ROOT / "src/ablab/folders.py" in SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_module_imports(source: Path) -> None:
    words = source.relative_to(ROOT / "src").with_suffix("").parts
    module = importlib.import_module(".".join(words).removesuffix(".__init__"))
    assert Path(module.__file__ or "") == source


def test_importing_the_package_is_light(tmp_path: Path) -> None:
    heavy = "{'torch', 'hydra', 'omegaconf', 'mlflow', 'pytorch_lightning', 'numpy'}"
    assert python("-c", f"import ablab, sys; print({heavy} & set(sys.modules))", cwd=tmp_path) == (
        "set()\n"
    )


def test_no_module_is_named_after_nothing() -> None:
    assert not {"utils", "helpers", "common"} & {source.stem for source in SOURCES}


def test_no_tracked_file_is_large() -> None:
    assert [file for file in tracked() if file.stat().st_size > 1_000_000] == []


def test_no_tracked_file_names_a_machine() -> None:
    home = re.compile(rb"(?<![\w.~-])/(home|Users|root|work)/\w+")
    assert [file for file in tracked() if home.search(file.read_bytes())] == []


def test_constraints_are_plain_pins() -> None:
    assert pins()
    assert [line for line in pins() if not PIN.fullmatch(line)] == []


def test_versions_stand_in_the_constraints_alone() -> None:
    assert [line for line in ASKED if "==" in line.split(";")[0]] == []


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_each_dependency_has_one_tested_version_in_its_range(version: str) -> None:
    def hold(lines: Sequence[str]) -> list[Requirement]:
        all_of_them = map(Requirement, lines)
        where = {"python_version": version}
        return [one for one in all_of_them if one.marker is None or one.marker.evaluate(where)]

    tested = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in hold(pins())}
    assert len(tested) == len(hold(pins()))
    for asked in hold(ASKED):
        pinned = tested[canonicalize_name(asked.name)]
        assert asked.specifier.contains(pinned, prereleases=True), f"{asked}, got {pinned}"


def test_whole_installed_tree_is_pinned() -> None:
    """Torch's GPU libraries aside, which it pins itself."""
    pinned = {canonicalize_name(Requirement(pin).name) for pin in pins()}
    queue: list[tuple[str, set[str]]] = [(line, set()) for line in ASKED]
    free, seen = set(), set()
    while queue:
        line, extras = queue.pop()
        one = Requirement(line)
        name = canonicalize_name(one.name)
        if one.marker and not any(one.marker.evaluate({"extra": e}) for e in extras | {""}):
            continue
        if (name, *one.extras) in seen or name.startswith(("cuda-", "nvidia-", "triton")):
            continue
        seen.add((name, *one.extras))
        queue += [(line, one.extras) for line in metadata.requires(name) or []]
        if name not in pinned:
            free.add(name)
    assert free == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    python("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_carries_all_configurations(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    for kind in ("conf", "sweeps"):
        expected = [f"ablab/{kind}/{name}" for name in names(ROOT / kind)]
        assert sorted(name for name in held if name.startswith(f"ablab/{kind}/")) == expected
    assert "ablab/py.typed" in held
    assert {name.split("/")[0].split("-")[0] for name in held} == {"ablab"}


@pytest.mark.slow
def test_wheel_works_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    site, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    python(*pip, str(wheel), cwd=work)
    asked = "from ablab import folders; print(folders.own_folder({!r}))"
    for kind in ("conf", "sweeps"):
        found = Path(python("-c", asked.format(kind), cwd=work, PYTHONPATH=str(site)).strip())
        assert found == site / "ablab" / kind
        assert names(found) == names(ROOT / kind)
    listed = python("-m", "ablab", "list", cwd=work, PYTHONPATH=str(site))
    assert "lenet5" in listed


@pytest.mark.slow
def test_editable_install_copies_nothing(tmp_path: Path) -> None:
    build = "from hatchling.build import build_editable; import sys; build_editable(sys.argv[1])"
    python("-c", build, str(tmp_path), cwd=ROOT)
    (built,) = tmp_path.glob("*.whl")
    held = zipfile.ZipFile(built).namelist()
    assert [name for name in held if ".dist-info/" not in name] == ["_ablab.pth"]
