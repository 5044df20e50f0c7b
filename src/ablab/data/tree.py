"""What lies in a folder of images: each entry is read, named as not read, or refused."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ablab.data.class_names import visible
from ablab.data.errors import DataError

DEEPEST = 32  # folders within folders
TOLD = 20  # entries that a message names

# What systems and tools leave behind, and what never was an image. Lower case.
LITTER = frozenset(
    (
        *(".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", ".gitkeep"),
        *(".keep", "__macosx", ".ipynb_checkpoints", "@eadir"),
    )
)
_APPLE_DOUBLE = "._"  # with the file's name: what macOS notes beside a file
# What stands beside images to describe them, and is never one.
DOCUMENTS = frozenset(
    (
        *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".rst"),
        *(".html", ".htm", ".pdf", ".ini", ".log", ".url", ".db", ".py", ".ipynb", ".sh"),
        *(".md5", ".sha256"),
    )
)


class File(NamedTuple):
    """A file that shall be an image: where it is, and what tells whether it changed."""

    path: Path
    size: int
    mtime_ns: int
    inode: tuple[int, int]


@dataclass
class Folder:
    """A folder: its own files, and its folders by name, both in the order of their names."""

    path: Path
    files: list[File] = field(default_factory=list)
    folders: dict[str, "Folder"] = field(default_factory=dict)

    def all_files(self) -> Iterator[File]:
        """Yield the files of this folder and of all within it."""
        yield from self.files
        for folder in self.folders.values():
            yield from folder.all_files()

    @property
    def total(self) -> int:
        """Number of files in this folder and all within it."""
        return len(self.files) + sum(folder.total for folder in self.folders.values())


class Scan:
    """A look at everything below a folder.

    Links are followed, to files and to folders; each folder may be reached once. Litter is passed
    over. Nothing is opened.

    Args:
        root: absolute.

    Attributes:
        root: the folder.
        unread: what is not read: documents, and what is hidden.

    Raises:
        DataError: something cannot be read, or is neither file nor folder; all of these are told.
    """

    def __init__(self, root: Path) -> None:
        self.unread: list[Path] = []
        self._faults: list[str] = []
        self._seen: dict[tuple[int, int], Path] = {}
        self.root = self._folder(root, 0)
        if self._faults:
            raise DataError(
                listed("path must hold files and folders that can be read", self._faults)
            )

    def _folder(self, path: Path, depth: int) -> Folder:
        found = Folder(path)
        if depth > DEEPEST:
            self._faults.append(f"{shown(path)}: folders lie more than {DEEPEST} deep")
            return found
        try:
            facts = path.stat()
            key = facts.st_dev, facts.st_ino
            if key in self._seen and facts.st_ino:
                self._faults.append(
                    f"{shown(path)}: it is the folder {shown(self._seen[key])}, by a link"
                )
                return found
            self._seen[key] = path
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError as error:
            self._faults.append(f"{shown(path)}: {error.strerror}")
            return found
        for entry in entries:
            self._add(found, entry, depth)
        return found

    def _add(self, folder: Folder, entry: os.DirEntry[str], depth: int) -> None:
        name, path = entry.name, folder.path / entry.name
        if name.lower() in LITTER or name.startswith(_APPLE_DOUBLE):
            return
        try:
            facts = entry.stat()
        except OSError as error:
            link = f"a link to {visible(os.readlink(path))}: " if entry.is_symlink() else ""
            self._faults.append(f"{shown(path)}: {link}{error.strerror}")
            return
        is_folder = stat.S_ISDIR(facts.st_mode)
        if not is_folder and not stat.S_ISREG(facts.st_mode):
            self._faults.append(f"{shown(path)}: it is {_kind(facts.st_mode)}")
        elif name.startswith(".") or (not is_folder and path.suffix.lower() in DOCUMENTS):
            self.unread.append(path)
        elif is_folder:
            folder.folders[name] = self._folder(path, depth + 1)
        else:
            inode = facts.st_dev, facts.st_ino
            folder.files.append(File(path, facts.st_size, facts.st_mtime_ns, inode))


def shown(path: Path) -> str:
    """Return a path as a terminal can show it."""
    return visible(path, longest=4096).strip("'")


def listed(rule: str, faults: list[str]) -> str:
    """Return a message that names faults, one a line, the first `TOLD` of them."""
    more = [f"and {len(faults) - TOLD} more"] if len(faults) > TOLD else []
    lines = "\n  ".join([*faults[:TOLD], *more])
    return f"{rule}, got {len(faults)} that cannot:\n  {lines}"


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
