"""The folder of a published site: only what `ablab publish` wrote there is ever replaced.

``ablab-site.json`` lists every file with its SHA-256. While files are being replaced it lists both
versions, so that a publication that was killed can be repeated.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ablab.errors import InputError
from ablab.tracking.files import (
    PARTIAL,
    DamagedError,
    file_sha256,
    remove_abandoned,
    write_atomic,
)
from ablab.tracking.sealed import read_sealed, write_sealed

MARKER = "ablab-site.json"
KEPT = (".git", ".gitignore", ".gitattributes", "CNAME")  # at the top: of git and GitHub Pages
_SCHEMA = 1
_LISTED = 5


@dataclass(frozen=True)
class Earlier:
    """What an earlier publication wrote.

    Attributes:
        files: by path, the SHA-256 of each version that may be there.
        sweeps: names of the sweeps.
    """

    files: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sweeps: Sequence[str] = ()


def read_earlier(folder: Path) -> Earlier:
    """Return what an earlier publication wrote into a folder.

    Raises:
        InputError: the folder is none, or holds anything else, changed files included.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise InputError(f"{folder} must be a folder, got a file or a broken link")
    earlier = _read_marker(folder)
    for parent in {(folder / name).parent for name in earlier.files}:
        if parent.is_relative_to(folder) and ".." not in parent.parts:
            remove_abandoned(parent, PARTIAL)
    found = list(_found(folder))
    others = sorted(filter(None, (_fault(folder, name, earlier) for name in found)))
    if others:
        more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
        rule = "hold nothing but an earlier site" if earlier.files else "be empty or not exist"
        raise InputError(
            f"{folder} must {rule}, got {', '.join(others[:_LISTED])}{more}; nothing was written"
        )
    # Only what was found in the folder may be removed later: a list may name any path.
    return Earlier({name: earlier.files[name] for name in found}, earlier.sweeps)


def replace_site(
    folder: Path, new: Mapping[str, Path], sweeps: Sequence[str], earlier: Earlier
) -> None:
    """Replace the files of an earlier site by new ones; files that are equal are not touched.

    Args:
        folder: of the site.
        new: by path in the site, the file to copy.
        sweeps: names of the sweeps, for the next publication.
        earlier: what `read_earlier` returned.
    """
    sums = {name: [file_sha256(path)] for name, path in new.items()}
    both = {n: [*earlier.files.get(n, ()), *sums.get(n, ())] for n in {*earlier.files, *sums}}
    folder.mkdir(parents=True, exist_ok=True)
    _write_marker(folder, both, sorted({*earlier.sweeps, *sweeps}))
    for name in sorted(new, key=lambda name: (name.startswith("index."), name)):
        path = folder / name
        if not (path.is_file() and [file_sha256(path)] == sums[name]):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, new[name].read_bytes())
    for name in earlier.files.keys() - new.keys():
        (folder / name).unlink(missing_ok=True)
        _remove_empty((folder / name).parent, folder)
    _write_marker(folder, sums, sweeps)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep other publications out of a folder; without a lock file, which would be published.

    Raises:
        InputError: another process publishes into it.
    """
    if not folder.is_dir():
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InputError(
            f"{folder} must be free, got one that another `ablab publish` writes"
        ) from None
    finally:
        os.close(descriptor)


def _read_marker(folder: Path) -> Earlier:
    path = folder / MARKER
    try:
        content = read_sealed(path)
        if content is None:
            return Earlier()
        files = {str(name): [str(s) for s in sums] for name, sums in content["files"].items()}
        return Earlier(files, [str(name) for name in content["sweeps"]])
    except (DamagedError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} must be as `ablab publish` wrote it, got another content; move the folder "
            "away, and publish again"
        ) from error


def _write_marker(folder: Path, files: Mapping[str, Sequence[str]], sweeps: Sequence[str]) -> None:
    write_sealed(
        folder / MARKER,
        {"schema": _SCHEMA, "sweeps": list(sweeps), "files": dict(sorted(files.items()))},
    )


def _found(folder: Path) -> Iterator[str]:
    """Yield the paths of all files and links in a site, without those of git and the list."""
    for place, folders, files in os.walk(folder):
        is_top = Path(place) == folder
        hidden = (*KEPT, MARKER) if is_top else ()
        folders[:] = [name for name in folders if name not in hidden]
        for name in [*files, *(n for n in folders if (Path(place) / n).is_symlink())]:
            if name not in hidden:
                yield (Path(place) / name).relative_to(folder).as_posix()


def _fault(folder: Path, name: str, earlier: Earlier) -> str:
    """Return the name of a file that an earlier publication did not write, else empty."""
    path = folder / name
    if path.is_symlink() or not path.is_file() or name not in earlier.files:
        return name
    return "" if file_sha256(path) in earlier.files[name] else f"{name} (changed since)"


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
