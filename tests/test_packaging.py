"""Contents of the package, pinned versions, and the installed wheel."""

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
REQUIRED = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
OPTIONAL = {
    canonicalize_name(Requirement(line).name)
    for extra in ("onnx", "ray", "slurm", "tune")
    for line in EXTRAS[extra]
}
PIN = re.compile(r'[a-z0-9-]+==[0-9][0-9a-z.]*(; python_version (<|>=) "3\.\d+")?')


def tracked() -> list[Path]:
    """Return the files of the repository; skip the test outside one."""
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


def python(*arguments: str, cwd: Path, **env: str) -> str:
    """Return the output of a Python without inherited PYTHON* and ABLAB* variables."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ABLAB"))}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=inherited | env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*.yaml"))


def test_sources_are_found() -> None:
    assert ROOT / "src/ablab/folders.py" in SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_module_imports(source: Path) -> None:
    parts = source.relative_to(ROOT / "src").with_suffix("").parts
    module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
    assert Path(module.__file__ or "") == source


def test_importing_the_package_imports_no_heavy_library(tmp_path: Path) -> None:
    heavy = "{'torch', 'hydra', 'omegaconf', 'mlflow', 'pytorch_lightning', 'numpy'}"
    assert python("-c", f"import ablab, sys; print({heavy} & set(sys.modules))", cwd=tmp_path) == (
        "set()\n"
    )


def test_no_module_has_a_generic_name() -> None:
    assert not {"utils", "helpers", "common"} & {source.stem for source in SOURCES}


def test_no_tracked_file_is_large() -> None:
    assert [file for file in tracked() if file.stat().st_size > 1_000_000] == []


def test_no_tracked_file_names_a_machine() -> None:
    home = re.compile(rb"(?<![\w.~-])/(home|Users|root|work)/\w+")
    assert [file for file in tracked() if home.search(file.read_bytes())] == []


def test_constraints_are_plain_pins() -> None:
    assert pins()
    assert [line for line in pins() if not PIN.fullmatch(line)] == []


def test_only_the_constraints_pin_versions() -> None:
    assert [line for line in REQUIRED if "==" in line.split(";")[0]] == []


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_each_dependency_has_one_tested_version_in_its_range(version: str) -> None:
    def applicable(lines: Sequence[str]) -> list[Requirement]:
        environment = {"python_version": version}
        return [
            r for r in map(Requirement, lines) if r.marker is None or r.marker.evaluate(environment)
        ]

    tested = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in applicable(pins())}
    assert len(tested) == len(applicable(pins()))
    for required in applicable(REQUIRED):
        pinned = tested[canonicalize_name(required.name)]
        assert required.specifier.contains(pinned, prereleases=True), f"{required}, got {pinned}"


def test_whole_installed_tree_is_pinned() -> None:
    """Except torch's GPU libraries, which torch pins itself."""
    pinned = {canonicalize_name(Requirement(pin).name) for pin in pins()}
    queue: list[tuple[str, set[str]]] = [(line, set()) for line in REQUIRED]
    unpinned, seen = set(), set()
    while queue:
        line, extras = queue.pop()
        required = Requirement(line)
        name, marker = canonicalize_name(required.name), required.marker
        if marker and not any(marker.evaluate({"extra": e}) for e in extras | {""}):
            continue
        if (name, *required.extras) in seen or name.startswith(("cuda-", "nvidia-", "triton")):
            continue
        seen.add((name, *required.extras))
        if name not in pinned:
            unpinned.add(name)
        if name in OPTIONAL and not is_installed(name):
            continue  # what it requires is unknown here
        queue += [(line, required.extras) for line in metadata.requires(name) or []]
    assert unpinned == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    python("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_contains_all_configurations(wheel: Path) -> None:
    contents = zipfile.ZipFile(wheel).namelist()
    for kind in ("conf", "sweeps"):
        expected = [f"ablab/{kind}/{name}" for name in names(ROOT / kind)]
        assert sorted(name for name in contents if name.startswith(f"ablab/{kind}/")) == expected
    assert "ablab/py.typed" in contents
    assert {name.split("/")[0].split("-")[0] for name in contents} == {"ablab", "hydra_plugins"}
    # Others have plugins too: a package of that name must not be ours.
    assert "hydra_plugins/ablab_launcher/launcher.py" in contents
    assert "hydra_plugins/__init__.py" not in contents


@pytest.mark.slow
def test_wheel_works_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    site, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    python(*pip, str(wheel), cwd=work)
    code = "from ablab import folders; print(folders.shipped_folder({!r}))"
    for kind in ("conf", "sweeps"):
        folder = Path(python("-c", code.format(kind), cwd=work, PYTHONPATH=str(site)).strip())
        assert folder == site / "ablab" / kind
        assert names(folder) == names(ROOT / kind)
    listed = python("-m", "ablab", "list", cwd=work, PYTHONPATH=str(site))
    assert "lenet5" in listed


@pytest.mark.slow
def test_editable_install_copies_nothing(tmp_path: Path) -> None:
    build = "from hatchling.build import build_editable; import sys; build_editable(sys.argv[1])"
    python("-c", build, str(tmp_path), cwd=ROOT)
    (built,) = tmp_path.glob("*.whl")
    contents = zipfile.ZipFile(built).namelist()
    assert [name for name in contents if ".dist-info/" not in name] == ["_ablab.pth"]
