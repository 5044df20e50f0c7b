"""Scans a folder of images: each entry is read, reported as unread, or refused."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISFIFO, S_ISREG, S_ISSOCK
from typing import NamedTuple

from ablab.data.class_names import quote
from ablab.data.errors import DataError

MAX_DEPTH = 32  # folders within folders
MAX_LISTED = 20  # entries that a message lists

# Files of operating systems and tools, ignored. Lower case.
IGNORED = frozenset(
    (
        *(".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", ".gitkeep"),
        *(".keep", "__macosx", ".ipynb_checkpoints", "@eadir"),
    )
)
_APPLE_DOUBLE = "._"  # prefix of the files in which macOS keeps metadata
# Suffixes of files that describe images, reported as unread.
DOCUMENTS = frozenset(
    (
        *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".rst"),
        *(".html", ".htm", ".pdf", ".ini", ".log", ".url", ".db", ".py", ".ipynb", ".sh"),
        *(".md5", ".sha256"),
    )
)


class File(NamedTuple):
    """A file that must be an image: its path, and the values that show whether it changed."""

    path: Path
    size: int
    mtime_ns: int
    inode: tuple[int, int]


@dataclass
class Folder:
    """A folder: its files, and its subfolders by name, both in the order of their names."""

    path: Path
    files: list[File] = field(default_factory=list)
    folders: dict[str, "Folder"] = field(default_factory=dict)

    def all_files(self) -> Iterator[File]:
        """Yield the files of this folder and all its subfolders."""
        yield from self.files
        for folder in self.folders.values():
            yield from folder.all_files()

    @property
    def total(self) -> int:
        """Number of files in this folder and all its subfolders."""
        return len(self.files) + sum(folder.total for folder in self.folders.values())


class Scan:
    """Lists everything below a folder.

    Links to files and folders are followed; each folder may be reached once. `IGNORED` names are
    skipped. No file is opened.

    Args:
        root: absolute path.

    Attributes:
        root: the folder.
        unread: entries that are not read: documents and hidden ones.

    Raises:
        DataError: entries cannot be read, or are neither file nor folder; lists all of them.
    """

    def __init__(self, root: Path) -> None:
        self.unread: list[Path] = []
        self._faults: list[str] = []
        self._seen: dict[tuple[int, int], Path] = {}
        self.root = self._folder(root, 0)
        if self._faults:
            raise DataError(
                "path must hold files and folders that can be read, got "
                f"{len(self._faults)} that cannot:{format_faults(self._faults)}"
            )

    def _folder(self, path: Path, depth: int) -> Folder:
        folder = Folder(path)
        if depth > MAX_DEPTH:
            self._faults.append(f"{format_path(path)}: folders are more than {MAX_DEPTH} deep")
            return folder
        try:
            stat = path.stat()
            inode = stat.st_dev, stat.st_ino
            if inode in self._seen and stat.st_ino:
                self._faults.append(
                    f"{format_path(path)}: it is the folder {format_path(self._seen[inode])}, "
                    "by a link"
                )
                return folder
            self._seen[inode] = path
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError as error:
            self._faults.append(f"{format_path(path)}: {error.strerror}")
            return folder
        for entry in entries:
            self._add(folder, entry, depth)
        return folder

    def _add(self, folder: Folder, entry: os.DirEntry[str], depth: int) -> None:
        name, path = entry.name, folder.path / entry.name
        if name.lower() in IGNORED or name.startswith(_APPLE_DOUBLE):
            return
        try:
            stat = entry.stat()
        except OSError as error:
            link = f"a link to {quote(os.readlink(path))}: " if entry.is_symlink() else ""
            self._faults.append(f"{format_path(path)}: {link}{error.strerror}")
            return
        is_folder = S_ISDIR(stat.st_mode)
        if not is_folder and not S_ISREG(stat.st_mode):
            self._faults.append(f"{format_path(path)}: it is {_kind(stat.st_mode)}")
        elif name.startswith(".") or (not is_folder and path.suffix.lower() in DOCUMENTS):
            self.unread.append(path)
        elif is_folder:
            folder.folders[name] = self._folder(path, depth + 1)
        else:
            inode = stat.st_dev, stat.st_ino
            folder.files.append(File(path, stat.st_size, stat.st_mtime_ns, inode))


def format_path(path: Path) -> str:
    """Return a path that a terminal can print."""
    return quote(path, max_length=4096).strip("'")


def format_faults(faults: list[str]) -> str:
    """Return the first `MAX_LISTED` faults on an indented line each, and the number of others."""
    more = [f"and {len(faults) - MAX_LISTED} more"] if len(faults) > MAX_LISTED else []
    return "".join(f"\n  {line}" for line in [*faults[:MAX_LISTED], *more])


def _kind(mode: int) -> str:
    if S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if S_ISSOCK(mode) else "a device"
