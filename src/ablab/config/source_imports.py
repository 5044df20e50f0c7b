"""Which modules of the user's own a source imports: read from its text, nothing is run."""

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
    """Return the user's own modules among dotted names and their parents, and all they import.

    The user's own is what is neither torch's, ours, the standard library's nor installed (an
    editable installation is the user's). Imports in functions count, as do those by a name that
    is put together when the program runs if it stands there as a word.

    Args:
        names: dotted, of modules or of what they hold.

    Returns:
        Name to specification; each has a file.
    """
    found: dict[str, ModuleSpec] = {}
    waiting, seen = [part for name in names for part in _with_parents(name)], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        spec = _users(name)
        if spec is None or spec.origin is None or not Path(spec.origin).is_file():
            continue
        found[name] = spec
        if spec.origin.endswith(".py"):
            is_package = spec.submodule_search_locations is not None
            waiting += _imports(Path(spec.origin).read_bytes(), name, is_package)
    return found


@lru_cache(maxsize=1024)
def _imports(source: bytes, module: str, is_package: bool) -> tuple[str, ...]:
    """Return the dotted names that may be modules which a module imports, parents included."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # it imports nothing as it is
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
    """Yield what a statement or a call imports, by absolute name."""
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
    """Return a name without leading dots, empty where it leads out of the package."""
    if not name.startswith("."):
        return name
    try:
        return importlib.util.resolve_name(name, package).rstrip(".")
    except ImportError:
        return ""


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _exported(tree: ast.Module) -> Iterator[str]:
    """Yield the words of a package's ``__all__``."""
    for node in tree.body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            constants = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
            yield from (word for word in constants if isinstance(word, str))


def _with_parents(name: str) -> list[str]:
    """Return a dotted name and its parents, all of which an import runs."""
    parts = name.split(".")
    return [".".join(parts[: depth + 1]) for depth in range(len(parts))]


def _users(name: str) -> ModuleSpec | None:
    """Return the specification of a module of the user's own, None for any other name.

    Nothing is imported for it.
    """
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
    """Tell whether a top-level module is the standard library's or an installed package's."""
    spec = _spec(top)
    if spec is None:
        return False
    places = [
        *(spec.submodule_search_locations or ()),
        *([spec.origin] if spec.has_location else []),
    ]
    return not any(_is_own(Path(str(place))) for place in places)


def _is_own(place: Path) -> bool:
    if _INSTALLED & set(place.parts):
        return False
    return not any(place.is_relative_to(folder) for folder in _STANDARD)


def _spec(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):  # a module that was made by hand has none
        return None
