"""Every component's YAML and file follow the rules of CONTRIBUTING.md."""

import ast
import inspect
import sys
from pathlib import Path

import pytest
import yaml
from contract import CONTRACT, OPTIONAL, TORCH_NAMES, names, resolve, yaml_file

import ablab.components

FOLDER = Path(ablab.components.__file__).parent
COMPONENTS = [(axis, name) for axis in sorted(CONTRACT) for name in names(axis)]
FILES = sorted(
    path
    for axis in CONTRACT
    for path in (FOLDER / axis).rglob("*.py")
    if path.name != "__init__.py"
)
# torch's arguments that choose an implementation, or that a contract fixes
SWITCHES = {
    *("inplace", "device", "dtype", "foreach", "capturable", "differentiable", "fused", "maximize"),
    *("size_average", "reduce", "reduction", "weight", "ignore_index", "last_epoch", "verbose"),
    *("ceil_mode", "dilation", "return_indices", "divisor_override", "args", "kwargs"),
    *("params", "decoupled_weight_decay"),
}


@pytest.mark.parametrize("axis", sorted(CONTRACT))
def test_axis_has_components(axis: str) -> None:
    assert names(axis)


@pytest.mark.parametrize("axis", sorted(CONTRACT))
def test_names_within_an_axis_are_unique(axis: str) -> None:
    assert len(names(axis)) == len(set(names(axis)))


def test_files_of_components_are_found() -> None:
    assert len(FILES) > 10


@pytest.mark.parametrize(("axis", "name"), COMPONENTS)
def test_yaml_is_short_and_names_its_source_and_target(axis: str, name: str) -> None:
    lines = yaml_file(axis, name).read_text().splitlines()
    assert len(lines) <= 10
    assert lines[0].startswith("# ")
    assert lines[1].startswith("_target_: ")
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize(("axis", "name"), COMPONENTS)
def test_target_belongs_to_torch_or_to_its_axis(axis: str, name: str) -> None:
    target = yaml.safe_load(yaml_file(axis, name).read_text())["_target_"]
    assert target.startswith(("torch.", f"ablab.components.{axis}."))


@pytest.mark.parametrize(("axis", "name"), COMPONENTS)
def test_every_hyper_parameter_is_explicit(axis: str, name: str) -> None:
    hyper = yaml.safe_load(yaml_file(axis, name).read_text())
    target_name = hyper.pop("_target_")
    signature = set(inspect.signature(resolve(target_name)).parameters)
    contract = {alias for key in CONTRACT[axis] for alias in TORCH_NAMES.get(key, [key])}
    if target_name.startswith("ablab."):
        assert signature | OPTIONAL.get(axis, set()) == hyper.keys() | CONTRACT[axis]
    else:
        assert signature - contract - SWITCHES == hyper.keys() - SWITCHES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_component_imports_torch_and_numpy_at_most(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"torch", "numpy", "ablab"}
    assert {name.partition(".")[0] for name in imports(path)} <= allowed


@pytest.mark.parametrize(
    "path", sorted((FOLDER / "architecture").rglob("*.py")), ids=lambda p: p.stem
)
def test_architecture_imports_no_axis(path: Path) -> None:
    own = {name for name in imports(path) if name.startswith("ablab")}
    assert all(
        name.startswith(("ablab.components.parts", "ablab.components.architecture")) for name in own
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_component_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 120


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_component_names_its_source(path: Path) -> None:
    assert "Source: " in path.read_text()


def imports(path: Path) -> set[str]:
    """Return what a file imports, as ``module`` or ``module.name``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
