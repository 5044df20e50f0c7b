"""Addresses of stores and artifacts: escaped in full, and refused by name if no store is there."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes, urlsplit

from ablab.errors import StoreError

DATABASE = "mlflow.db"
VARIABLE = "MLFLOW_TRACKING_URI"
_SQLITE = re.compile(r"sqlite(\+pysqlite)?:///")
# User and password before the last `@`: the host has an `@`, or something after a colon that is no
# port; or there is no `//`, and so nothing that could be a path.
_CREDENTIALS = re.compile(r"(//)(?=[^/]*@|[^/:]*:[^/]*[^/0-9]).*@|^(?!file:)[\w.+-]+:(?!/).*@()")
_SERVERS = ("http", "https")
_HOSTED = ("databricks", "databricks-uc", "uc", "postgresql", "mysql", "mssql")
_RULE = (
    "must be http://SERVER, sqlite:///FILE of a store that exists, or a database server that "
    "MLflow supports"
)


@dataclass(frozen=True)
class Address:
    """Stores where a store is.

    Attributes:
        uri: MLflow's tracking URI.
        database: the SQLite file, or None.
        is_own: whether it is the lab's own store, which is created if it does not exist.
        setting: what named it, for messages: the environment variable or an option.
    """

    uri: str
    database: Path | None
    is_own: bool
    setting: str = VARIABLE

    @property
    def is_served(self) -> bool:
        """Return whether it is a server, which decides itself where artifacts are stored."""
        return self.uri.partition(":")[0] in (*_SERVERS, "databricks", "databricks-uc", "uc")

    @property
    def display(self) -> str:
        """The name in messages, without a password."""
        return str(self.database) if self.database is not None else self.without_password

    @property
    def without_password(self) -> str:
        """The URI without a password, to print and to store."""
        return hide_password(self.uri)


def locate(
    root: Path, uri: str | None = None, *, setting: str = VARIABLE, may_create: bool = False
) -> Address:
    """Return the address at ``uri`` (default: ``MLFLOW_TRACKING_URI``, else the lab's own).

    Args:
        root: the lab's folder.
        uri: MLflow's tracking URI.
        setting: what names ``uri``, for messages.
        may_create: whether a SQLite file that does not exist is to be created.

    Raises:
        StoreError: no store can be there, or a SQLite file other than the lab's own does not
            exist: a mistyped one is not created.
    """
    own = root.resolve() / DATABASE
    given = uri or os.environ.get(VARIABLE)
    if not given:
        return Address(sqlite_uri(own), own, True, setting)
    if _SQLITE.match(given):
        path = sqlite_path(given, setting)
        if path == own or path.resolve() == own.resolve():
            return Address(sqlite_uri(own), own, True, setting)
        if not path.is_file() and not may_create:
            raise StoreError(
                f"{setting} must name a SQLite store that exists, got {given}: no file "
                f"{path}. `mlflow db upgrade {sqlite_uri(path)}` creates one in an existing "
                f"folder; without {setting} runs go to the lab's own store"
            )
        if not path.parent.is_dir() or path.is_dir():
            raise StoreError(f"{setting} must name a file in a folder that exists, got {given}")
        return Address(sqlite_uri(path.resolve()), path.resolve(), False, setting)
    _refuse(given, setting)
    return Address(given, None, False, setting)


def hide_password(uri: str) -> str:
    """Return a URI without user and password, as it may be printed and stored.

    A password with an unescaped ``@`` or ``/`` is removed as a whole. A SQLite URI has none, and a
    path may hold ``@``.

    Example:
        >>> hide_password("https://ann:a/b@c@lab.example.org/mlflow")
        'https://lab.example.org/mlflow'
    """
    if _SQLITE.match(uri):
        return re.sub(r"//[^/@]*@", "//", uri)
    bare = _CREDENTIALS.sub(r"\1", uri, count=1)
    return re.sub(r"(?i)([?&](password|passwd|pwd)=)[^&]*", r"\1…", bare)


def sqlite_uri(path: Path) -> str:
    """Return MLflow's URI of a SQLite file.

    A plain URI ends at a question mark; SQLite's own form escapes every character. MLflow would
    take that for a relative path and create a folder ``file:``, unless the URI names the driver.

    Args:
        path: absolute.
    """
    if "?" not in str(path) and os.fsencode(path) == str(path).encode(errors="replace"):
        return f"sqlite:///{path}"
    return f"sqlite+pysqlite:///file:{quote(os.fsencode(path))}?uri=true"


def sqlite_path(uri: str, setting: str = VARIABLE) -> Path:
    """Return the file that a SQLite URI names, absolute.

    A question mark may belong to the name or start the options: the file that exists decides.

    Raises:
        StoreError: it names none, or both readings exist.
    """
    name = _SQLITE.sub("", uri, count=1)
    if name.startswith("file:"):
        escaped = name.removeprefix("file:").partition("?")[0]
        name = os.fsdecode(unquote_to_bytes(escaped))
    before = name.partition("?")[0]
    readings = [path for path in dict.fromkeys((name, before)) if Path(path).is_file()]
    if len(readings) > 1 or not before or name == ":memory:":
        both = f"; {readings[0]} and {readings[1]} both exist" if len(readings) > 1 else ""
        raise StoreError(f"{setting} must name one file, got {uri}{both}")
    return Path(os.path.abspath((readings or [name])[0]))


def local_folder(uri: str) -> Path | None:
    """Return the folder of an artifact address, None if it is not a folder of this machine."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        return None
    return Path(os.fsdecode(unquote_to_bytes(parts.path)))


def _refuse(uri: str, setting: str) -> None:
    """Raise unless the URI is a server or a database that MLflow supports."""
    shown = hide_password(uri)
    try:
        parts = urlsplit(uri)
        scheme, host = parts.scheme.partition("+")[0], parts.hostname
    except ValueError as error:
        raise StoreError(f"{setting} {_RULE}, got {shown}: {hide_password(str(error))}") from None
    if (scheme in _SERVERS and host) or scheme in _HOSTED or uri in _HOSTED[:3]:
        return
    folder = local_folder(uri) if scheme in ("", "file") else None
    if folder is not None and (folder / "0").is_dir():
        raise StoreError(
            f"{setting} {_RULE}, got {shown}, a folder of runs, which MLflow no longer reads: "
            f"`mlflow migrate-filestore --source {folder} --target sqlite:///FILE` converts it"
        )
    raise StoreError(f"{setting} {_RULE}, got {shown}")
