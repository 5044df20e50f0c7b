"""The source that a trial stands on, beside torch's and ours: every module of the user's own."""

import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.machinery import ModuleSpec
from inspect import getfile, unwrap
from pathlib import Path
from typing import Any

from ablab.config.compose import AXES
from ablab.config.source_imports import TRUSTED, own_modules
from ablab.errors import InputError
from ablab.model.targets import resolve
from ablab.model.warm_start import weights_hash

# What a file held when this process imported it, with the specification of that import.
_imported: dict[str, tuple[ModuleSpec, str]] = {}


def source_hashes(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of each source that a trial stands on, torch's and ours left out.

    A target's own file stands under the target's name; a further module of the user's that it
    imports, directly or through others, under its path on the import path, ``helper.py`` or
    ``package/part.py``, so that a moved folder changes nothing. What is installed and the standard
    library are left out, and so are empty files, such as most ``__init__.py``. See
    `own_modules` for what counts.

    Beside them, as ``init_from``, the hash of the weights that the trial starts from, if it does.

    Args:
        config: a trial's configuration, each axis in it.

    Raises:
        InputError: a file was edited since this process imported it.
    """
    names = {config[axis]["_target_"]: axis for axis in AXES}
    hashes: dict[str, str] = {}
    own: set[Path] = set()
    found: dict[str, ModuleSpec] = {}
    for name, axis in sorted(names.items()):
        target = resolve(axis, name)
        if _top(target.__module__) not in TRUSTED:
            file = _file(name, target)
            hashes[name] = _sha256(file)
            own.add(file.resolve())
            found |= own_modules((name, target.__module__))
    for name, spec in sorted(found.items()):
        file = Path(str(spec.origin))
        digest = _sha256(file)
        _refuse_stale(name, file, digest)
        if file.resolve() not in own and file.stat().st_size:
            hashes[_place(name, file)] = digest
    weights = weights_hash(config)
    return hashes if weights is None else {**hashes, "init_from": weights}


def _file(name: str, target: Callable[..., Any]) -> Path:
    try:
        return Path(getfile(unwrap(target)))
    except (TypeError, OSError) as error:
        raise InputError(f"{name} must be defined in a file, got {error}") from error


def _refuse_stale(name: str, file: Path, digest: str) -> None:
    """Refuse what would be trained as it was imported, under the name of what lies there now.

    Raises:
        InputError: the file was edited since this process first imported it.
    """
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if spec is None:
        return
    before = _imported.setdefault(name, (spec, digest))
    if before[0] is not spec:  # imported anew
        _imported[name] = spec, digest
    elif before[1] != digest:
        raise InputError(
            f"{file} must be as it was when this Python imported it, got an edited file; "
            "start a new Python (in a notebook: restart the kernel)"
        )


def _place(name: str, file: Path) -> str:
    """Return a module's path as its name tells it."""
    inside = "/__init__" if file.stem == "__init__" else ""
    return f"{name.replace('.', '/')}{inside}{file.suffix}"


def _sha256(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _top(name: str) -> str:
    return name.partition(".")[0]
