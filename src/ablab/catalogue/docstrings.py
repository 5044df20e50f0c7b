"""Reads docstrings from source files, without importing or running them."""

import ast
import inspect
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path

_SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Source", "Formula", "Example")


def docstring(target: str) -> str:
    """Return the docstring of a class or function by its dotted name, empty if there is none.

    The module is searched in the working folder and then on ``sys.path``; names that it imports
    are not found.
    """
    module, _, name = target.rpartition(".")
    path = _source(module)
    if path is None:
        return ""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return ast.get_docstring(node) or ""
    return ""


def summary(doc: str) -> str:
    r"""Return the first paragraph of a docstring in one line, without backticks.

    Example:
        >>> summary("Return ``x``,\nas `it` is.\n\nMore.")
        'Return x, as it is.'
    """
    return " ".join(doc.partition("\n\n")[0].split()).replace("`", "")


def paragraphs(doc: str) -> list[str]:
    """Return the paragraphs of a docstring before its sections (Args, Source and so on)."""
    head = re.split(rf"(?m)^(?:{'|'.join(_SECTIONS)}):", doc, maxsplit=1)[0]
    return [part.strip("\n") for part in re.split(r"\n\n+", head) if part.strip()]


def section(doc: str, title: str) -> str:
    r"""Return one section of a docstring, dedented, empty if there is none.

    Example:
        >>> section("Do.\n\nSource: A 1990,\nB.\n\nArgs:\n    x: 1.", "Source")
        'A 1990,\nB.'
    """
    match = re.search(rf"(?ms)^{title}:[ \n](.*?)(?=\n\n\w|\Z)", doc)
    return inspect.cleandoc(match[1]) if match else ""


def meanings(doc: str) -> dict[str, str]:
    r"""Return the description of each argument in the section Args, in one line.

    Example:
        >>> meanings("Do.\n\nArgs:\n    lr: > 0,\n        small.\n    p: in [0, 1).")
        {'lr': '> 0, small.', 'p': 'in [0, 1).'}
    """
    entries = re.split(r"(?m)^(?=\w+: )", section(doc, "Args"))
    pairs = (entry.partition(": ") for entry in entries if entry.strip())
    return {name: " ".join(text.split()) for name, _, text in pairs}


def _source(module: str) -> Path | None:
    """Return the file of a module."""
    top, *below = module.split(".")
    spec = PathFinder.find_spec(top, [str(Path.cwd()), *sys.path])
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin else None
    for folder in spec.submodule_search_locations or ():
        base = Path(folder).joinpath(*below)
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None
