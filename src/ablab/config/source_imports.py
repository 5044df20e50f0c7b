"""Finds the user's modules that a source file imports, from its syntax tree; nothing is run."""

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

_STANDARD = {
    folder
    for name in ("stdlib", "platstdlib")
    for folder in (Path(sysconfig.get_path(name)), Path(sysconfig.get_path(name)).resolve())
}
_INSTALLED = {"site-packages", "dist-packages"}
TRUSTED = ("torch", "ablab")


def own_modules(names: Sequence[str]) -> dict[str, ModuleSpec]:
    """Return the user's modules among dotted names and their parents, and all they import.

    A module is the user's if it is not of torch, ablab, the standard library or an installed
    package (an editable installation is the user's). Imports inside functions count, and so do
    ``import_module`` and ``__import__`` of a literal name.

    Args:
        names: dotted, of modules or of objects in them.

    Returns:
        Name to spec; each has a file.
    """
    modules: dict[str, ModuleSpec] = {}
    queue, seen = [part for name in names for part in _with_parents(name)], set[str]()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        spec = _user_spec(name)
        if spec is None or spec.origin is None or not Path(spec.origin).is_file():
            continue
        modules[name] = spec
        if spec.origin.endswith(".py"):
            is_package = spec.submodule_search_locations is not None
            queue += _imports(Path(spec.origin).read_bytes(), name, is_package)
    return modules


@lru_cache(maxsize=1024)
def _imports(source: bytes, module: str, is_package: bool) -> tuple[str, ...]:
    """Return the dotted names that a module imports, parents included; not all are modules."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # it cannot be imported either
        return ()
    package = module if is_package else module.rpartition(".")[0]
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        for name in _imported_by(node, package):
            names |= dict.fromkeys(_with_parents(name))
    if is_package:  # what `from package import *` imports
        names |= {f"{module}.{name}": None for name in _exported(tree)}
    return tuple(names)


def _imported_by(node: ast.AST, package: str) -> Iterator[str]:
    """Yield the absolute names that a statement or a call imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute("." * node.level + (node.module or ""), package)
        if base:
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _called(node.func) in ("import_module", "__import__"):
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield _absolute(first.value, package)


def _absolute(name: str, package: str) -> str:
    """Return a relative name as an absolute one, empty where it leads out of the package."""
    if not name.startswith("."):
        return name
    try:
        return importlib.util.resolve_name(name, package).rstrip(".")
    except ImportError:
        return ""


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _exported(tree: ast.Module) -> Iterator[str]:
    """Yield the names in a package's ``__all__``."""
    for node in tree.body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            constants = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
            yield from (name for name in constants if isinstance(name, str))


def _with_parents(name: str) -> list[str]:
    """Return a dotted name and its parents: an import runs all of them."""
    parts = name.split(".")
    return [".".join(parts[: depth + 1]) for depth in range(len(parts))]


def _user_spec(name: str) -> ModuleSpec | None:
    """Return the spec of a user's module, None for any other name; nothing is imported."""
    top, *rest = name.split(".")
    if top in TRUSTED or _is_installed(top, tuple(sys.path)):
        return None
    spec = _spec(top)
    for depth in range(len(rest)):
        if spec is None or spec.submodule_search_locations is None:
            return None
        below = f"{top}.{'.'.join(rest[: depth + 1])}"
        spec = PathFinder.find_spec(below, spec.submodule_search_locations)
    return spec


@lru_cache(maxsize=4096)
def _is_installed(top: str, _path: tuple[str, ...]) -> bool:
    """Return whether a top-level module is of the standard library or an installed package."""
    spec = _spec(top)
    if spec is None:
        return False
    paths = [
        *(spec.submodule_search_locations or ()),
        *([spec.origin] if spec.has_location else []),
    ]
    return not any(_is_users(Path(str(path))) for path in paths)


def _is_users(path: Path) -> bool:
    if _INSTALLED & set(path.parts):
        return False
    return not any(path.is_relative_to(folder) for folder in _STANDARD)


def _spec(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):  # a module created in memory has no spec
        return None
