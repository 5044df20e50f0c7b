"""Which folders are parts of a data set, and which are its classes; two readings are refused."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ablab.data.class_names import visible
from ablab.data.errors import DataError
from ablab.data.tree import Folder, Scan, shown

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
    """Return which part a folder's name means, whatever its case, or None.

    Example:
        >>> [part_named(n) for n in ("Training", "seg_test", "VALID", "dev", "train2017", "cats")]
        ['train', 'test', 'val', 'val', 'train', None]
    """
    found = _NAME.fullmatch(re.sub(r"[\W_]+", "", name.casefold()))
    return found.lastgroup if found else None


def classes_by_part(scan: Scan, notes: list[str]) -> dict[str, Classes]:
    """Return the class folders of each part.

    Without parts, all is ``train``. A folder that holds nothing but one folder is passed through.

    Args:
        scan: of the whole; what turns out not to be read is added to its `unread`.
        notes: gets a sentence for each reading that a user might not expect.

    Raises:
        DataError: there are no classes, or the folder can be read in two ways.
    """
    top = _unwrapped(scan.root, notes)
    meant = {name: part_named(name) for name in top.folders}
    named = [name for name, part in meant.items() if part]
    trains = [name for name in named if meant[name] == "train"]
    if any(_holds_folders(top.folders[name]) for name in trains):
        parts = _parts(scan, top, meant)
        renamed = [f"{_listed([n])} is read as {p}" for p, n in parts.items() if n != p]
        if renamed:
            notes.append(f"In {shown(top.path)} {', '.join(renamed)}.")
        found = {p: _unwrapped(top.folders[n], notes) for p, n in parts.items()}
        return {part: _classes(scan, folder, part, notes) for part, folder in found.items()}
    _refuse_part_as_class(top, named, trains)
    return {"train": _classes(scan, top, "train", notes)}


def _parts(scan: Scan, top: Folder, meant: Mapping[str, str | None]) -> dict[str, str]:
    """Return the folder's name of each part."""
    strangers = [name for name, part in meant.items() if not part and top.folders[name].total]
    if strangers:
        raise DataError(
            f"path must hold val and test at the most beside train, got {_listed(strangers)} "
            f"in {shown(top.path)}; parts are named {_NAMES}; move anything else elsewhere"
        )
    scan.unread += [top.folders[name].path for name, part in meant.items() if not part]
    scan.unread += [file.path for file in top.files]
    parts: dict[str, str] = {}
    for name, part in meant.items():
        if part in parts:
            raise DataError(
                f"path must hold one folder for {part}, got {_listed([parts[part], name])} "
                f"in {shown(top.path)}"
            )
        if part:
            parts[part] = name
    return {part: parts[part] for part in PARTS if part in parts}


def _refuse_part_as_class(top: Folder, named: list[str], trains: list[str]) -> None:
    """Refuse a folder that is named as a part where it would be a class.

    Beside others a ``train`` that holds images itself is a class: no part is like that.
    """
    others = [name for name in top.folders if name not in named]
    if not named or (named == trains and len(trains) == 1 and others):
        return
    raise DataError(
        "path must hold class folders, or parts with the class folders in each, "
        f"got {_listed(named)} in {shown(top.path)}, which may be either: parts are named "
        f"{_NAMES}, and train needs a folder for each class; rename the folder if it is a class, "
        "move it elsewhere if it has none"
    )


def _classes(scan: Scan, folder: Folder, part: str, notes: list[str]) -> Classes:
    place = f"in {shown(folder.path)}"
    if not folder.total:
        raise DataError(f"path must hold images in {part}, got none {place}; remove the folder")
    if not folder.folders:
        raise DataError(
            f"path must hold a folder for each class in {part}, got {folder.total} files without "
            f"{place}; images without a class can neither train nor test: move the folder elsewhere"
        )
    empty = [name for name, found in folder.folders.items() if not found.total]
    if empty:
        raise DataError(f"path must hold images of each class, got no {_listed(empty)} {place}")
    if part == "train" and len(folder.folders) < 2:
        raise DataError(
            f"path must hold a folder for each of two or more classes, got "
            f"{_listed(folder.folders)} {place}"
        )
    _refuse_two_levels(folder)
    scan.unread += [file.path for file in folder.files]
    inside = sum(found.total - len(found.files) for found in folder.folders.values())
    if inside:
        notes.append(
            f"{inside:,} images {place} lie in folders within class folders; their class is that "
            "of the outer one."
        )
    return folder.folders


def _refuse_two_levels(folder: Folder) -> None:
    """Refuse class folders whose own folders may as well be the classes, or parts."""
    inner = {
        name: [n for n, sub in found.folders.items() if sub.total]
        for name, found in folder.folders.items()
    }
    place = f"in {shown(folder.path)}"
    parts = {name: [n for n in names if part_named(n)] for name, names in inner.items()}
    if split := [name for name, names in parts.items() if names]:
        raise DataError(
            f"path must hold the classes in each part, got {_listed(parts[split[0]])} within "
            f"{_listed(split)} {place}; put the class folders into {_NAMES}"
        )
    several = [name for name, names in inner.items() if len(names) > 1]
    if not several or any(found.files for found in folder.folders.values()):
        return
    if len(folder.folders) > 1 and len({tuple(names) for names in inner.values()}) == 1:
        raise DataError(
            f"path must hold classes that are told by one level of folders, got "
            f"{_listed(folder.folders)} {place}, each with {_listed(inner[several[0]])}: if the "
            f"outer ones are parts, name them {_NAMES}; else put the images of each class into one "
            "folder"
        )
    raise DataError(
        f"path must hold classes that are told by one level of folders, got "
        f"{_listed(inner[several[0]])} within {_listed(several)} {place}: put the images of each "
        "class into its folder, or name the folder above the classes"
    )


def _unwrapped(folder: Folder, notes: list[str]) -> Folder:
    """Return the folder that is inside, where one holds nothing but another."""
    inner = folder
    while len(inner.folders) == 1 and not inner.files:
        ((name, only),) = inner.folders.items()
        if not only.folders or (part_named(name) and not _same(inner, name)):
            break
        inner = only
    if inner is not folder:
        notes.append(f"The images are read from {shown(inner.path)}.")
    return inner


def _same(folder: Folder, name: str) -> bool:
    """Tell ``seg_train/seg_train``: a folder that was packed with its own name."""
    return part_named(folder.path.name) == part_named(name)


def _holds_folders(folder: Folder) -> bool:
    return bool(folder.folders) or not folder.files


def _listed(names: Iterable[str]) -> str:
    named = [visible(name).strip("'") for name in names]
    more = f" and {len(named) - 10} more" if len(named) > 10 else ""
    return (", ".join(named[:10]) or "none") + more


def unread_note(root: Path, unread: Iterable[Path]) -> str:
    """Return a sentence that counts and names what is not read, empty where there is nothing."""
    paths = sorted(unread)
    if not paths:
        return ""
    first = ", ".join(shown(path.relative_to(root)) for path in paths[:5])
    more = f", and {len(paths) - 5:,} more" if len(paths) > 5 else ""
    entries = "1 entry" if len(paths) == 1 else f"{len(paths):,} entries"
    return f"{entries} of {shown(root)} not read: {first}{more}."
