"""Settings of the team server, read from options and environment variables, and checked.

Secrets come from the environment alone: a command line is visible to every user of a machine. No
message holds one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ablab.errors import InputError

DATABASE = "MLFLOW_BACKEND_STORE_URI"
DATABASE_PASSWORD = "PGPASSWORD"  # libpq's own
SECRET_KEY = "MLFLOW_FLASK_SERVER_SECRET_KEY"
ADMIN = "MLFLOW_AUTH_ADMIN_USERNAME"
ADMIN_PASSWORD = "MLFLOW_AUTH_ADMIN_PASSWORD"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
PERMISSIONS = ("NO_PERMISSIONS", "READ", "EDIT", "MANAGE")
_DRIVER = "postgresql+psycopg"
_DRIVERS = ("postgresql", _DRIVER)
_EXAMPLE = "postgresql://USER@HOST/DATABASE"
_HOST = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9]([a-z0-9._-]*[a-z0-9])?)(?P<port>:[0-9]{1,5})?")
_SHORTEST_PASSWORD, _SHORTEST_KEY, _FEWEST_CHARACTERS = 12, 32, 6
_USUAL = re.compile(
    r"ablab|admin|change.?me|default|example|mlflow|passw[o0]rd|postgres|secret|123456?7?8?9?0?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Database:
    """Stores where the server's Postgres database is.

    Attributes:
        uri: SQLAlchemy's, without the password.
        password: kept out of every URI; None where libpq finds one itself, or needs none.
    """

    uri: str
    password: str | None

    @property
    def libpq_uri(self) -> str:
        """The URI as libpq reads it."""
        return self.uri.replace("postgresql+psycopg:", "postgresql:", 1)


@dataclass(frozen=True)
class ServerSettings:
    """Stores what the team server is started with, secrets apart from the database's excluded.

    Attributes:
        folder: holds the artifacts and the server's own settings.
        host: the address to listen on.
        port: the port to listen on.
        workers: number of processes that answer.
        allowed_hosts: what the Host header of a request may be.
        origins: web origins whose pages may send requests that change something.
        permission: of every user for the experiments of others.
        certificate: file with the TLS certificate, and file with its key; None for plain HTTP.
    """

    folder: Path
    host: str
    port: int
    workers: int
    allowed_hosts: tuple[str, ...]
    origins: tuple[str, ...]
    permission: str = "EDIT"
    certificate: tuple[Path, Path] | None = None

    @property
    def scheme(self) -> str:
        """``https`` with a certificate, else ``http``."""
        return "http" if self.certificate is None else "https"


def read_hosts(text: str | None, host: str, port: int) -> tuple[str, ...]:
    """Return the permitted Host headers; a name without a port also counts with the server's.

    Args:
        text: names or addresses, separated by commas; None: those of this machine.
        host: the address to listen on.
        port: the port to listen on.

    Raises:
        InputError: one is a pattern or no name, or none is given for a server that others reach.
    """
    if text is None:
        if host not in LOOPBACK:
            raise InputError(
                "allowed-hosts must be given if --host is not this machine alone, got none; give "
                "the name that users type into the browser: --allowed-hosts lab.example.org"
            )
        text = "127.0.0.1,localhost" + (",[::1]" if host == "::1" else "")
    hosts: dict[str, None] = {}
    for name in (part.strip().lower() for part in text.split(",")):
        match = _HOST.fullmatch(name)
        if match is None:
            raise InputError(
                "allowed-hosts must be names or addresses, with or without a port, separated by "
                f"commas, got {name or 'an empty one'}"
            )
        hosts |= dict.fromkeys([name] if match["port"] else [name, f"{name}:{port}"])
    return tuple(hosts)


def read_origins(text: str | None, hosts: Sequence[str], scheme: str) -> tuple[str, ...]:
    """Return the permitted web origins: those given, else that of each permitted host.

    Raises:
        InputError: one is not ``SCHEME://HOST`` or ``SCHEME://HOST:PORT``.
    """
    if text is None:
        return tuple(f"{scheme}://{host}" for host in hosts)
    origins = [origin.strip().lower() for origin in text.split(",")]
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not _HOST.fullmatch(
            origin.removeprefix(f"{parts.scheme}://")
        ):
            raise InputError(
                "cors-allowed-origins must be such as https://lab.example.org, separated by "
                f"commas, got {origin or 'an empty one'}"
            )
    return tuple(dict.fromkeys(origins))


def read_database(environ: Mapping[str, str]) -> Database:
    """Return the database that ``MLFLOW_BACKEND_STORE_URI`` names.

    Raises:
        InputError: it is missing or no Postgres database, or its password is given twice or weak.
    """
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    rule = f"{DATABASE} must be {_EXAMPLE}, got"
    if not environ.get(DATABASE):
        raise InputError(f"{rule} none")
    try:
        url = make_url(environ[DATABASE])
    except (ArgumentError, ValueError):  # their messages may hold the password
        raise InputError(f"{rule} one that cannot be read") from None
    if url.drivername not in _DRIVERS or not url.database or "password" in url.query:
        remedy = "; `ablab ui` shows a SQLite store" if url.drivername.startswith("sqlite") else ""
        raise InputError(f"{rule} another that starts with {url.drivername}:{remedy}")
    known, password = environ.get(DATABASE_PASSWORD) or None, url.password
    if None not in (known, password) and known != password:
        raise InputError(f"{DATABASE_PASSWORD} must be the password in {DATABASE}, got another")
    password = known if password is None else password
    if password is not None:
        check_secret(f"the password of {DATABASE}", password)
    # Not `url.set(password=None)`, which keeps the password.
    bare = URL.create(
        _DRIVER, url.username, None, url.host, url.port, url.database, query=url.query
    )
    return Database(bare.render_as_string(hide_password=False), password)


def check_secrets(environ: Mapping[str, str]) -> None:
    """Raise unless the secret key is set, and it and the administrator's password are strong.

    Raises:
        InputError: one is missing or weak.
    """
    check_secret(SECRET_KEY, environ.get(SECRET_KEY, ""), _SHORTEST_KEY)
    if password := environ.get(ADMIN_PASSWORD):
        check_secret(ADMIN_PASSWORD, password)


def check_secret(name: str, value: str, shortest: int = _SHORTEST_PASSWORD) -> None:
    """Raise unless a secret is long and more than the usual words; its value is not shown.

    Raises:
        InputError: it is weak.
    """
    if len(value) < shortest:
        got = f"{len(value)} characters" if value else "none"
    elif len(set(_USUAL.sub("", value))) < _FEWEST_CHARACTERS:
        got = "a usual one"
    else:
        return
    raise InputError(
        f"{name} must be at least {shortest} characters that nobody guesses, got {got}; "
        "`python -c 'import secrets; print(secrets.token_hex(32))'` prints some"
    )
