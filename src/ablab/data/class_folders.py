"""Images of a user's own in folders that are named by their classes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from ablab.data.class_names import check_class_names
from ablab.data.errors import DataError
from ablab.data.image_set import Bytes, ImageSet
from ablab.data.parted import Labels, parted
from ablab.data.pictures import Form, decoded
from ablab.data.splits import classes_by_part, unread_note
from ablab.data.tree import File, Scan, shown

_Files = Mapping[str, tuple[File, ...]]  # of each class


def image_set(root: Path, form: Form, test_fraction: float, test_seed: int) -> ImageSet:
    """Return the set of a folder.

    It holds a folder for each class, or parts with these in each: one for training, beside which
    one for validation and one for testing may stand (see `ablab.data.splits`). Images may lie in
    further folders within a class folder. Each entry is read, named in `ImageSet.unread`, or
    refused (see `ablab.data.tree`).

    Args:
        root: absolute.
        form: what every image becomes.
        test_fraction: see `parted`.
        test_seed: see `parted`.

    Raises:
        InputError: the folder is not like that.
    """
    scan, notes = Scan(root), list[str]()
    folders = classes_by_part(scan, notes)
    parts: dict[str, _Files] = {
        part: {name: tuple(folder.all_files()) for name, folder in classes.items()}
        for part, classes in folders.items()
    }
    names = tuple(sorted(parts["train"]))
    check_class_names(names, "dataset.path")
    notes += _compared(root, parts, set(names))
    notes += _repeated(parts)
    if told := unread_note(root, scan.unread):
        notes.append(told)
    return ImageSet(
        name="folder",
        in_channels=form.in_channels,
        image_size=form.image_size,
        class_names=names,
        fingerprint=fingerprint(root, parts, form, test_fraction, test_seed),
        read=partial(_read, parts, form, test_fraction, test_seed),
        has_val="val" in parts,
        notes=tuple(notes),
        unread=tuple(sorted(shown(path) for path in scan.unread)),
    )


def fingerprint(root: Path, parts: Mapping[str, _Files], form: Form, *draw: float) -> str:
    """Return 16 hexadecimal digits that change with any file's name, size or time, and the form."""
    facts = [(str(f.path.relative_to(root)), f.size, f.mtime_ns) for f in _every(parts)]
    text = json.dumps([str(root), sorted(parts), facts, asdict(form), draw])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _compared(root: Path, parts: Mapping[str, _Files], names: set[str]) -> list[str]:
    """Return which classes a part lacks; one that training does not know is refused."""
    notes = []
    for part, classes in parts.items():
        if strangers := sorted(classes.keys() - names):
            raise DataError(
                f"path must hold the classes of train in {part}, got "
                f"{', '.join(map(shown, map(Path, strangers)))} besides in {shown(root)}"
            )
        if lacking := sorted(names - classes.keys()):
            notes.append(f"The {part} part has no image of {', '.join(lacking)}.")
    return notes


def _repeated(parts: Mapping[str, _Files]) -> list[str]:
    """Return how many files are there twice, by links; in two parts or classes it is refused."""
    seen: dict[tuple[int, int], tuple[tuple[str, str], File]] = {}
    times = 0
    for part, classes in parts.items():
        for name, files in classes.items():
            for file in files:
                place, first = seen.setdefault(file.inode, ((part, name), file))
                if place != (part, name) and file.inode[1]:
                    raise DataError(
                        "path must hold each file in one part and class, got one that is both "
                        f"{shown(first.path)} and {shown(file.path)}, by a link"
                    )
                times += first is not file
    return [f"{times:,} images are links to others of their class."] if times else []


def _every(parts: Mapping[str, _Files]) -> Sequence[File]:
    return [file for classes in parts.values() for some in classes.values() for file in some]


def _read(
    parts: Mapping[str, _Files], form: Form, test_fraction: float, test_seed: int
) -> dict[str, Bytes]:
    names = sorted(parts["train"])
    kind = np.uint8 if len(names) <= 256 else np.int64
    arrays: dict[str, tuple[Bytes, Labels]] = {}
    images, start = decoded([file.path for file in _every(parts)], form), 0
    for part, classes in parts.items():
        labels = np.repeat([names.index(n) for n in classes], [len(f) for f in classes.values()])
        arrays[part] = images[start : start + len(labels)], labels.astype(kind)
        start += len(labels)
    return parted(arrays, test_fraction, test_seed)
