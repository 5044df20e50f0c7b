"""Hashes of the user's source files that a trial depends on."""

import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.machinery import ModuleSpec
from inspect import getfile, unwrap
from pathlib import Path
from typing import Any

from ablab.config.groups import AXES
from ablab.config.source_imports import TRUSTED, own_modules
from ablab.errors import InputError
from ablab.model.targets import resolve
from ablab.model.warm_start import weights_hash

# Hash of each file when this process first imported it, with the spec of that import.
_imported: dict[str, tuple[ModuleSpec, str]] = {}


def source_hashes(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of each source file of the user's that a trial depends on.

    A target's file is listed by the target's name. Modules that it imports, directly or
    indirectly, are listed by their path relative to the import path, ``helper.py`` or
    ``package/part.py``, so that a moved folder changes nothing. Torch, ablab, the standard library
    and installed packages are left out (see `own_modules`), and so are empty files, such as most
    ``__init__.py``.

    ``init_from`` is the hash of the initial weights, if the trial starts from another one's.

    Args:
        config: a trial's configuration, with all axes.

    Raises:
        InputError: a file was edited after this process imported it.
    """
    names = {config[axis]["_target_"]: axis for axis in AXES}
    hashes: dict[str, str] = {}
    target_files: set[Path] = set()
    modules: dict[str, ModuleSpec] = {}
    for name, axis in sorted(names.items()):
        target = resolve(axis, name)
        if _top(target.__module__) not in TRUSTED:
            file = _file(name, target)
            hashes[name] = _sha256(file)
            target_files.add(file.resolve())
            modules |= own_modules((name, target.__module__))
    for name, spec in sorted(modules.items()):
        file = Path(str(spec.origin))
        digest = _sha256(file)
        _refuse_stale(name, file, digest)
        if file.resolve() not in target_files and file.stat().st_size:
            hashes[_import_path(name, file)] = digest
    weights = weights_hash(config)
    return hashes if weights is None else {**hashes, "init_from": weights}


def _file(name: str, target: Callable[..., Any]) -> Path:
    try:
        return Path(getfile(unwrap(target)))
    except (TypeError, OSError) as error:
        raise InputError(f"{name} must be defined in a file, got {error}") from error


def _refuse_stale(name: str, file: Path, digest: str) -> None:
    """Refuse a file that was edited after its import.

    This process would train the old code under the hash of the new file.

    Raises:
        InputError: the file was edited after this process first imported it.
    """
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if spec is None:
        return
    before = _imported.setdefault(name, (spec, digest))
    if before[0] is not spec:  # imported again
        _imported[name] = spec, digest
    elif before[1] != digest:
        raise InputError(
            f"{file} must be as it was when this Python imported it, got an edited file; "
            "start a new Python (in a notebook: restart the kernel)"
        )


def _import_path(name: str, file: Path) -> str:
    """Return a module's path relative to the import path."""
    inside = "/__init__" if file.stem == "__init__" else ""
    return f"{name.replace('.', '/')}{inside}{file.suffix}"


def _sha256(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _top(name: str) -> str:
    return name.partition(".")[0]
