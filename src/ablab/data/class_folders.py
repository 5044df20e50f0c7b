"""A user's images in class folders."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from ablab.data.class_names import check_class_names
from ablab.data.errors import DataError
from ablab.data.folder_layout import classes_by_part, unread_note
from ablab.data.holdout import Labels, hold_out_test
from ablab.data.image_files import ImageFormat, decode_images
from ablab.data.image_set import Bytes, ImageSet
from ablab.data.tree import File, Scan, format_path

_Files = Mapping[str, tuple[File, ...]]  # of each class


def image_set(root: Path, form: ImageFormat, test_fraction: float, test_seed: int) -> ImageSet:
    """Return the image set of a folder.

    The folder holds one folder per class, or a training part with these and optionally a
    validation and a test part (see `ablab.data.folder_layout`). A class folder may have
    subfolders. Each entry is read, listed in `ImageSet.unread`, or refused (see
    `ablab.data.tree`).

    Args:
        root: absolute path.
        form: the format that images are converted to.
        test_fraction: see `hold_out_test`.
        test_seed: see `hold_out_test`.

    Raises:
        InputError: the folder has no such layout.
    """
    scan, notes = Scan(root), list[str]()
    folders = classes_by_part(scan, notes)
    parts: dict[str, _Files] = {
        part: {name: tuple(folder.all_files()) for name, folder in classes.items()}
        for part, classes in folders.items()
    }
    names = tuple(sorted(parts["train"]))
    check_class_names(names, "dataset.path")
    notes += _missing_classes(root, parts, set(names))
    notes += _linked_twice(parts)
    if note := unread_note(root, scan.unread):
        notes.append(note)
    return ImageSet(
        name="folder",
        in_channels=form.in_channels,
        image_size=form.image_size,
        class_names=names,
        fingerprint=fingerprint(root, parts, form, test_fraction, test_seed),
        read=partial(_read, parts, form, test_fraction, test_seed),
        has_val="val" in parts,
        notes=tuple(notes),
        unread=tuple(sorted(format_path(path) for path in scan.unread)),
    )


def fingerprint(root: Path, parts: Mapping[str, _Files], form: ImageFormat, *draw: float) -> str:
    """Return 16 hexadecimal digits that change with any file's name, size or time, or the format.

    Args:
        root: the folder.
        parts: files of each class of each part.
        form: the format that images are converted to.
        draw: fraction and seed of the test part.
    """
    files = [(str(f.path.relative_to(root)), f.size, f.mtime_ns) for f in _all_files(parts)]
    text = json.dumps([str(root), sorted(parts), files, asdict(form), draw])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _missing_classes(root: Path, parts: Mapping[str, _Files], names: set[str]) -> list[str]:
    """Return a note on the classes that a part lacks; classes not in training are refused."""
    notes = []
    for part, classes in parts.items():
        if unknown := sorted(classes.keys() - names):
            raise DataError(
                f"path must hold the classes of train in {part}, got "
                f"{', '.join(map(format_path, map(Path, unknown)))} besides in {format_path(root)}"
            )
        if missing := sorted(names - classes.keys()):
            notes.append(f"The {part} part has no image of {', '.join(missing)}.")
    return notes


def _linked_twice(parts: Mapping[str, _Files]) -> list[str]:
    """Return a note on files that occur twice, by links; in two parts or classes it is refused."""
    seen: dict[tuple[int, int], tuple[tuple[str, str], File]] = {}
    times = 0
    for part, classes in parts.items():
        for name, files in classes.items():
            for file in files:
                first_class, first = seen.setdefault(file.inode, ((part, name), file))
                if first_class != (part, name) and file.inode[1]:
                    raise DataError(
                        "path must hold each file in one part and class, got one that is both "
                        f"{format_path(first.path)} and {format_path(file.path)}, by a link"
                    )
                times += first is not file
    return [f"{times:,} images are links to others of their class."] if times else []


def _all_files(parts: Mapping[str, _Files]) -> Sequence[File]:
    return [file for classes in parts.values() for some in classes.values() for file in some]


def _read(
    parts: Mapping[str, _Files], form: ImageFormat, test_fraction: float, test_seed: int
) -> dict[str, Bytes]:
    names = sorted(parts["train"])
    kind = np.uint8 if len(names) <= 256 else np.int64
    arrays: dict[str, tuple[Bytes, Labels]] = {}
    images, start = decode_images([file.path for file in _all_files(parts)], form), 0
    for part, classes in parts.items():
        labels = np.repeat([names.index(n) for n in classes], [len(f) for f in classes.values()])
        arrays[part] = images[start : start + len(labels)], labels.astype(kind)
        start += len(labels)
    return hold_out_test(arrays, test_fraction, test_seed)
