"""Finds the parts and classes of a data set in its folders; ambiguous layouts are refused."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ablab.data.class_names import quote
from ablab.data.errors import DataError
from ablab.data.tree import Folder, Scan, format_path

PARTS = ("train", "val", "test")
Classes = Mapping[str, Folder]

_NAME = re.compile(
    r"(?:seg|data|dataset|images?|imgs?)?"
    r"(?:(?P<train>train(?:ing)?)|(?P<val>val(?:id(?:ation)?)?|dev(?:elopment)?)"
    r"|(?P<test>test(?:ing)?))"
    r"(?:set|data|dataset|images?|imgs?|split|part|folder)?\d*"
)
_NAMES = (
    "train (or training, training_set, …), val (or valid, validation, dev, …) and test "
    "(or testing, test_set, …)"
)


def part_named(name: str) -> str | None:
    """Return the part that a folder's name stands for, ignoring case, or None.

    Example:
        >>> [part_named(n) for n in ("Training", "seg_test", "VALID", "dev", "train2017", "cats")]
        ['train', 'test', 'val', 'val', 'train', None]
    """
    match = _NAME.fullmatch(re.sub(r"[\W_]+", "", name.casefold()))
    return match.lastgroup if match else None


def classes_by_part(scan: Scan, notes: list[str]) -> dict[str, Classes]:
    """Return the class folders of each part.

    Without part folders, everything is ``train``. A folder with nothing but one subfolder is
    replaced by it.

    Args:
        scan: of the whole folder; entries that are not read are added to its `unread`.
        notes: gets a sentence for each interpretation that a user might not expect.

    Raises:
        DataError: there are no classes, or the layout is ambiguous.
    """
    top = _unwrap(scan.root, notes)
    part_of = {name: part_named(name) for name in top.folders}
    named = [name for name, part in part_of.items() if part]
    trains = [name for name in named if part_of[name] == "train"]
    if any(_holds_folders(top.folders[name]) for name in trains):
        parts = _parts(scan, top, part_of)
        renamed = [f"{_join([n])} is read as {p}" for p, n in parts.items() if n != p]
        if renamed:
            notes.append(f"In {format_path(top.path)} {', '.join(renamed)}.")
        folders = {p: _unwrap(top.folders[n], notes) for p, n in parts.items()}
        return {part: _classes(scan, folder, part, notes) for part, folder in folders.items()}
    _refuse_part_as_class(top, named, trains)
    return {"train": _classes(scan, top, "train", notes)}


def _parts(scan: Scan, top: Folder, part_of: Mapping[str, str | None]) -> dict[str, str]:
    """Return the name of each part's folder."""
    unknown = [name for name, part in part_of.items() if not part and top.folders[name].total]
    if unknown:
        raise DataError(
            f"path must hold val and test at the most beside train, got {_join(unknown)} "
            f"in {format_path(top.path)}; parts are named {_NAMES}; move anything else elsewhere"
        )
    scan.unread += [top.folders[name].path for name, part in part_of.items() if not part]
    scan.unread += [file.path for file in top.files]
    parts: dict[str, str] = {}
    for name, part in part_of.items():
        if part in parts:
            raise DataError(
                f"path must hold one folder for {part}, got {_join([parts[part], name])} "
                f"in {format_path(top.path)}"
            )
        if part:
            parts[part] = name
    return {part: parts[part] for part in PARTS if part in parts}


def _refuse_part_as_class(top: Folder, named: list[str], trains: list[str]) -> None:
    """Refuse a folder with the name of a part where it would be a class.

    A single ``train`` with images of its own, beside other folders, is accepted as a class: a part
    would have class folders.
    """
    others = [name for name in top.folders if name not in named]
    if not named or (named == trains and len(trains) == 1 and others):
        return
    raise DataError(
        "path must hold class folders, or parts with the class folders in each, "
        f"got {_join(named)} in {format_path(top.path)}, which may be either: parts are named "
        f"{_NAMES}, and train needs a folder for each class; rename the folder if it is a class, "
        "move it elsewhere if it has none"
    )


def _classes(scan: Scan, folder: Folder, part: str, notes: list[str]) -> Classes:
    where = f"in {format_path(folder.path)}"
    if not folder.total:
        raise DataError(f"path must hold images in {part}, got none {where}; remove the folder")
    if not folder.folders:
        raise DataError(
            f"path must hold a folder for each class in {part}, got {folder.total} files without "
            f"{where}; images without a class are of no use here: move the folder elsewhere"
        )
    empty = [name for name, inner in folder.folders.items() if not inner.total]
    if empty:
        raise DataError(f"path must hold images of each class, got no {_join(empty)} {where}")
    if part == "train" and len(folder.folders) < 2:
        raise DataError(
            f"path must hold a folder for each of two or more classes, got "
            f"{_join(folder.folders)} {where}"
        )
    _refuse_two_levels(folder)
    scan.unread += [file.path for file in folder.files]
    nested = sum(inner.total - len(inner.files) for inner in folder.folders.values())
    if nested:
        notes.append(
            f"{nested:,} images {where} are in subfolders of class folders; their class is the "
            "outer folder."
        )
    return folder.folders


def _refuse_two_levels(folder: Folder) -> None:
    """Refuse class folders whose subfolders may be the classes, or parts."""
    inner = {
        name: [n for n, sub in class_folder.folders.items() if sub.total]
        for name, class_folder in folder.folders.items()
    }
    where = f"in {format_path(folder.path)}"
    parts = {name: [n for n in names if part_named(n)] for name, names in inner.items()}
    if split := [name for name, names in parts.items() if names]:
        raise DataError(
            f"path must hold the classes in each part, got {_join(parts[split[0]])} within "
            f"{_join(split)} {where}; put the class folders into {_NAMES}"
        )
    several = [name for name, names in inner.items() if len(names) > 1]
    if not several or any(sub.files for sub in folder.folders.values()):
        return
    if len(folder.folders) > 1 and len({tuple(names) for names in inner.values()}) == 1:
        raise DataError(
            f"path must hold one level of class folders, got "
            f"{_join(folder.folders)} {where}, each with {_join(inner[several[0]])}: if the "
            f"outer ones are parts, name them {_NAMES}; else put the images of each class into one "
            "folder"
        )
    raise DataError(
        f"path must hold one level of class folders, got "
        f"{_join(inner[several[0]])} within {_join(several)} {where}: put the images of each "
        "class into its folder, or name the folder above the classes"
    )


def _unwrap(folder: Folder, notes: list[str]) -> Folder:
    """Return the innermost folder, where each outer one holds nothing but the next."""
    inner = folder
    while len(inner.folders) == 1 and not inner.files:
        ((name, only),) = inner.folders.items()
        if not only.folders or (part_named(name) and not _same(inner, name)):
            break
        inner = only
    if inner is not folder:
        notes.append(f"The images are read from {format_path(inner.path)}.")
    return inner


def _same(folder: Folder, name: str) -> bool:
    """Return whether folder and subfolder name the same part, as in ``seg_train/seg_train``."""
    return part_named(folder.path.name) == part_named(name)


def _holds_folders(folder: Folder) -> bool:
    return bool(folder.folders) or not folder.files


def _join(names: Iterable[str]) -> str:
    texts = [quote(name).strip("'") for name in names]
    more = f" and {len(texts) - 10} more" if len(texts) > 10 else ""
    return (", ".join(texts[:10]) or "none") + more


def unread_note(root: Path, unread: Iterable[Path]) -> str:
    """Return a sentence with the number and names of unread entries, empty without any."""
    paths = sorted(unread)
    if not paths:
        return ""
    first = ", ".join(format_path(path.relative_to(root)) for path in paths[:5])
    more = f", and {len(paths) - 5:,} more" if len(paths) > 5 else ""
    entries = "1 entry" if len(paths) == 1 else f"{len(paths):,} entries"
    return f"{entries} of {format_path(root)} not read: {first}{more}."
