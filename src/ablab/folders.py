"""Paths of the lab, the data, and the folders of configurations."""

import hashlib
import os
from pathlib import Path

from ablab.text import escape_controls

LONGEST = 120  # bytes; file systems allow 255
_FILE_NAME = 255
_UNSAFE = '/\\:*?"<>|%'
_PACKAGE = Path(__file__).resolve().parent


def lab_folder() -> Path:
    """Return the lab: ``ABLAB_HOME``, else the nearest ``lab`` in or above the working folder.

    If there is none yet, ``./lab``; the folder is not created.
    """
    if home := os.environ.get("ABLAB_HOME"):
        return Path(home).expanduser().resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "lab" / "lab.json").is_file():
            return folder / "lab"
    return here / "lab"


def folder_name(text: str) -> str:
    """Return the name of a folder for any text.

    Unsafe characters are percent-encoded; a long name is cut and ends in a hash.

    Example:
        >>> folder_name("mine [a=1/2]")
        'mine [a=1%2F2]'
    """
    safe = "".join(f"%{ord(c):02X}" if c in _UNSAFE or escape_controls(c) != c else c for c in text)
    if len(safe.encode()) <= LONGEST:
        return safe
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{safe.encode()[: LONGEST - 12].decode(errors='ignore')}… {digest}"


def is_file_name(text: object) -> bool:
    """Return whether a text from outside can name a file: one part of a path, printable.

    Example:
        >>> is_file_name("relu [a=1]"), is_file_name(".."), is_file_name("a/b")
        (True, False, False)
    """
    if not isinstance(text, str) or not text or text in (".", ".."):
        return False
    return "/" not in text and escape_controls(text) == text and len(text.encode()) <= _FILE_NAME


def data_folder() -> Path:
    """Return the folder of data sets: ``ABLAB_DATA``, else ``data`` next to the lab."""
    if data := os.environ.get("ABLAB_DATA"):
        return Path(data).expanduser().resolve()
    return lab_folder().parent / "data"


def cache_folder() -> Path:
    """Return the folder of decoded arrays in the lab; it can be deleted at any time."""
    return lab_folder() / "cache"


def shipped_folder(kind: str) -> Path:
    """Return ablab's ``conf`` or ``sweeps``.

    A wheel has them inside the package; a clone, and so an editable install, at its top.

    Args:
        kind: ``"conf"`` or ``"sweeps"``.
    """
    packaged = _PACKAGE / kind
    return packaged if packaged.is_dir() else _PACKAGE.parents[1] / kind


def user_folder(kind: str) -> Path | None:
    """Return the user's ``conf`` or ``sweeps`` in the working folder, None if there is none.

    At the top of a clone these are ablab's own, not the user's.

    Args:
        kind: ``"conf"`` or ``"sweeps"``.
    """
    folder = Path.cwd() / kind
    if not folder.is_dir() or folder.resolve() == shipped_folder(kind).resolve():
        return None
    return folder
