"""Images of a user's own in folders that are named by their classes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from ablab.data.image_set import Bytes, ImageSet
from ablab.data.pictures import Form, Labels, decoded, parted

PARTS = ("train", "val", "test")
_Files = Mapping[str, tuple[Path, ...]]  # of each class


def image_set(root: Path, form: Form, test_fraction: float, test_seed: int) -> ImageSet:
    """Return the set of a folder.

    It holds ``train``, beside which ``val`` and ``test`` may stand, and in each of these, or
    else by itself, a folder for each class. Their images may lie in further folders. What begins
    with a dot, and a file beside the folders, is no part of it.

    Args:
        root: absolute.
        form: what every image becomes.
        test_fraction: see `parted`.
        test_seed: see `parted`.

    Raises:
        ValueError: the folder is not like that.
    """
    parts = _parts(root)
    names = tuple(sorted(parts["train"]))
    for part, classes in parts.items():
        strangers = sorted(classes.keys() - set(names))
        if strangers:
            raise ValueError(
                f"path must hold the classes of train in {part}, got {', '.join(strangers)} "
                f"besides in {root / part}"
            )
    return ImageSet(
        name="folder",
        in_channels=form.in_channels,
        image_size=form.image_size,
        class_names=names,
        fingerprint=fingerprint(root, parts, form, test_fraction, test_seed),
        read=partial(_read, parts, form, test_fraction, test_seed),
        has_val="val" in parts,
    )


def fingerprint(root: Path, parts: Mapping[str, _Files], form: Form, *draw: float) -> str:
    """Return 16 hexadecimal digits that change with any file's name, size or time, and the form."""
    files = [file for classes in parts.values() for some in classes.values() for file in some]
    facts = [(str(f.relative_to(root)), (s := f.stat()).st_size, s.st_mtime_ns) for f in files]
    text = json.dumps([str(root), sorted(parts), facts, asdict(form), draw])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _parts(root: Path) -> dict[str, _Files]:
    folders = _folders(root)
    if "train" not in folders:
        return {"train": _classes(root)}
    strangers = sorted(folders.keys() - set(PARTS))
    if strangers:
        raise ValueError(
            f"path must hold val and test at the most beside train, got {', '.join(strangers)} "
            f"in {root}"
        )
    return {part: _classes(folders[part]) for part in PARTS if part in folders}


def _classes(folder: Path) -> _Files:
    classes = {name: _files(path) for name, path in _folders(folder).items()}
    empty = [name for name, files in classes.items() if not files]
    if empty:
        raise ValueError(
            f"path must hold images of each class, got no {', '.join(empty)} in {folder}"
        )
    if len(classes) < 2:
        got = ", ".join(classes) or "none"
        raise ValueError(
            f"path must hold a folder for each of two or more classes, got {got} in {folder}"
        )
    return classes


def _folders(folder: Path) -> dict[str, Path]:
    paths = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    return {path.name: path for path in paths}


def _files(folder: Path) -> tuple[Path, ...]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(
        p for p in found if not any(n.startswith(".") for n in p.relative_to(folder).parts)
    )


def _read(
    parts: Mapping[str, _Files], form: Form, test_fraction: float, test_seed: int
) -> dict[str, Bytes]:
    names = sorted(parts["train"])
    kind = np.uint8 if len(names) <= 256 else np.int64
    arrays: dict[str, tuple[Bytes, Labels]] = {}
    every = [file for classes in parts.values() for some in classes.values() for file in some]
    images, start = decoded(every, form), 0
    for part, classes in parts.items():
        labels = np.repeat([names.index(n) for n in classes], [len(f) for f in classes.values()])
        arrays[part] = images[start : start + len(labels)], labels.astype(kind)
        start += len(labels)
    return parted(arrays, test_fraction, test_seed)
