"""The labs that are published together, each with a name that readers see."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablab.errors import InputError
from ablab.report.compare.inputs import open_lab
from ablab.tracking.lab import Lab
from ablab.tracking.plan import find_sweep


@dataclass(frozen=True)
class NamedLab:
    """A lab and its name, which stands in for its path in what is published."""

    name: str
    lab: Lab


def open_labs(texts: Sequence[str]) -> list[NamedLab]:
    """Return the labs that ``--lab`` names, in their order.

    Args:
        texts: each ``FOLDER`` or ``NAME=FOLDER``. Without a name, that of the folder is used, or
            that of the folder above it if the lab is called ``lab``.

    Raises:
        InputError: there is no such lab, or two have the same name or are the same.
    """
    labs = [_open(text) for text in texts]
    roots = Counter(each.lab.root.resolve() for each in labs)
    if twice := [str(root) for root, count in roots.items() if count > 1]:
        raise InputError(f"--lab must name each lab once, got {twice[0]} twice")
    names = Counter(each.name for each in labs)
    if twice := [name for name, count in names.items() if count > 1]:
        raise InputError(
            f"labs must have different names, got {twice[0]} twice; name them: --lab NAME=FOLDER"
        )
    return labs


def find_published_sweep(labs: Sequence[NamedLab], sweep: str) -> str:
    """Return the name on disk of a sweep that at least one lab has planned.

    Raises:
        InputError: there is none, or several fit.
    """
    return find_sweep(sorted({name for each in labs for name in each.lab.sweeps()}), sweep)


def _open(text: str) -> NamedLab:
    name, separator, folder = text.partition("=")
    whole, named = _is_lab(text), bool(separator and name) and _is_lab(folder)
    if whole and named:
        raise InputError(f"--lab must name one lab, got {text}: {text} and {folder} are labs")
    if named:
        return NamedLab(name, open_lab(folder))
    root = open_lab(text).root
    parts = [part for part in root.resolve().parts[1:] if part != "lab"]
    return NamedLab(parts[-1] if parts else "lab", Lab(root))


def _is_lab(folder: str) -> bool:
    root = Path(folder).expanduser()
    return any((each / "lab.json").is_file() for each in (root, root / "lab"))
