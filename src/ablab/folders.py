"""Where things lie: the lab, the data, and the folders of configurations."""

import hashlib
import os
from pathlib import Path

from ablab.text import printable

LONGEST = 120  # characters; a folder's name has 255 bytes
_UNSAFE = '/\\:*?"<>|%'
_PACKAGE = Path(__file__).resolve().parent


def lab_folder() -> Path:
    """Return the lab: ``ABLAB_HOME``, else the nearest ``lab`` at or above the working folder.

    Where there is none yet it is ``./lab``; the folder is not created here.
    """
    if home := os.environ.get("ABLAB_HOME"):
        return Path(home).expanduser().resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "lab" / "lab.json").is_file():
            return folder / "lab"
    return here / "lab"


def folder_name(text: str) -> str:
    """Return what a folder is called that stands for a text of the user's.

    What a folder cannot be called is percent-encoded, and what is too long ends in a hash.

    Example:
        >>> folder_name("mine [a=1/2]")
        'mine [a=1%2F2]'
    """
    safe = "".join(f"%{ord(c):02X}" if c in _UNSAFE or printable(c) != c else c for c in text)
    if len(safe.encode()) <= LONGEST:
        return safe
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{safe.encode()[: LONGEST - 12].decode(errors='ignore')}… {digest}"


def data_folder() -> Path:
    """Return the folder of data sets: ``ABLAB_DATA``, else ``data`` beside the lab."""
    if data := os.environ.get("ABLAB_DATA"):
        return Path(data).expanduser().resolve()
    return lab_folder().parent / "data"


def cache_folder() -> Path:
    """Return the folder of decoded arrays, inside the lab; it can be deleted at any time."""
    return lab_folder() / "cache"


def own_folder(kind: str) -> Path:
    """Return the suite's own ``conf`` or ``sweeps``.

    A wheel carries them inside the package; in a clone, and so in an editable install, they
    stand at its top.

    Args:
        kind: ``"conf"`` or ``"sweeps"``.
    """
    carried = _PACKAGE / kind
    return carried if carried.is_dir() else _PACKAGE.parents[1] / kind


def user_folder(kind: str) -> Path | None:
    """Return the user's own ``./conf`` or ``./sweeps`` beside where they work, if there is one.

    In a clone's top folder that is the suite's own, and so none of the user's.

    Args:
        kind: ``"conf"`` or ``"sweeps"``.
    """
    folder = Path.cwd() / kind
    if not folder.is_dir() or folder.resolve() == own_folder(kind).resolve():
        return None
    return folder
