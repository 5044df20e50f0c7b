"""``ablab serve``: MLflow's server for a team, with Postgres, users, and artifacts through it.

It listens under uvicorn, the only one of MLflow's servers that checks Host and Origin.
"""

import os
import shlex
import socket
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any, NoReturn

from ablab.errors import InputError, StoreError
from ablab.text import escape_controls
from ablab.tracking.files import write_atomic
from ablab.tracking.server_settings import (
    ADMIN,
    ADMIN_PASSWORD,
    DATABASE,
    DATABASE_PASSWORD,
    LOOPBACK,
    SECRET_KEY,
    Database,
    ServerSettings,
    check_secrets,
    read_database,
)
from ablab.tracking.ui import SERVER_SETTINGS

AUTH = "auth.ini"
_WRITTEN = "# Written by `ablab serve` at each start."
ARTIFACTS = "artifacts"
_PACKAGES = {"psycopg": "psycopg", "flask_wtf": "Flask-WTF"}
_SECONDS_TO_CONNECT = 10
# A password is hashed at each request, for tens of milliseconds; so long may a check be reused,
# and so long a changed password may still be accepted by another of the server's processes.
_SECONDS_OF_CACHE = 30
_PASSED_ON = (ADMIN_PASSWORD, SECRET_KEY)
_PASSED_ON_PREFIX = "MLFLOW_SQLALCHEMYSTORE_"  # sizes of the connection pool
_OF_CLIENTS = "MLFLOW_TRACKING_"


def serve(settings: ServerSettings, environ: Mapping[str, str] = os.environ) -> NoReturn:
    """Check everything, and become MLflow's server: this process is replaced.

    Args:
        settings: from the options.
        environ: environment variables, which hold the secrets.

    Raises:
        InputError: a package is missing, a value or a secret cannot be used, the port is taken.
        StoreError: the database does not answer, or does not permit what MLflow does.
        OSError: the folder cannot be written.
    """
    check_packages()
    check_secrets(environ)
    database = read_database(environ)
    check_port(settings.host, settings.port)
    check_database(database, environ.get(ADMIN) or "admin", environ.get(ADMIN_PASSWORD))
    write_auth(settings, database)
    for line in describe(settings, database, environ):
        sys.stderr.write(f"{escape_controls(line)}\n")
    sys.stderr.flush()
    os.execve(sys.executable, command(settings), environment(settings, database, environ))


def command(settings: ServerSettings) -> list[str]:
    """Return the command line of MLflow's server, which holds no secret."""
    artifacts = settings.folder / ARTIFACTS
    return [
        *(sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--workers", str(settings.workers)),
        *("--serve-artifacts", "--artifacts-destination", artifacts.as_uri()),
        *("--allowed-hosts", ",".join(settings.allowed_hosts)),
        *("--cors-allowed-origins", ",".join(settings.origins)),
    ]


def environment(
    settings: ServerSettings, database: Database, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment variables of MLflow's server: ours, and of MLflow's only those.

    Otherwise one of MLflow's hundreds of variables could turn a protection off.
    """
    others = {n: v for n, v in environ.items() if not n.startswith(("MLFLOW_", "_MLFLOW_"))}
    kept = {n: v for n, v in environ.items() if n.startswith(_PASSED_ON_PREFIX)}
    secrets = {name: environ[name] for name in _PASSED_ON if environ.get(name)}
    if database.password is not None:
        secrets[DATABASE_PASSWORD] = database.password
    ours = {
        **SERVER_SETTINGS,
        "MLFLOW_BASIC_AUTH_FAIL_CLOSED": "true",
        "MLFLOW_AUTH_CONFIG_PATH": str(settings.folder / AUTH),
        ADMIN: environ.get(ADMIN) or "admin",
        DATABASE: database.uri,
    }
    if settings.certificate is not None:
        certificate, key = map(str, settings.certificate)
        options = ["--ssl-certfile", certificate, "--ssl-keyfile", key]
        ours["MLFLOW_UVICORN_OPTS"] = shlex.join(options)
    return others | kept | secrets | ours


def describe(
    settings: ServerSettings, database: Database, environ: Mapping[str, str]
) -> Iterable[str]:
    """Yield what the user should know of the start, without a secret."""
    address = f"{settings.scheme}://{settings.host}:{settings.port}"
    yield f"MLflow for a team at {address}, with {database.uri}"
    yield f"artifacts are in {settings.folder / ARTIFACTS}"
    yield f"hosts: {', '.join(settings.allowed_hosts)}; origins: {', '.join(settings.origins)}"
    if settings.certificate is None and settings.host not in LOOPBACK:
        yield (
            "passwords are sent unencrypted: give --certificate and --key, or let only a proxy "
            "with TLS reach this port"
        )
    known = {ADMIN, DATABASE, *_PASSED_ON, *SERVER_SETTINGS}
    ignored = sorted(
        name
        for name in environ
        if name.startswith(("MLFLOW_", "_MLFLOW_"))
        and not name.startswith((_OF_CLIENTS, _PASSED_ON_PREFIX))
        and name not in known
    )
    if ignored:
        yield f"not passed on to the server: {', '.join(ignored)}"


def check_packages() -> None:
    """Raise unless the packages of the extra ``server`` are installed.

    Raises:
        InputError: one is missing.
    """
    missing = [name for module, name in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise InputError(
            f"{' and '.join(missing)} must be installed for a server, got none; `pip install "
            "'ablab[server]'` installs what it needs"
        )


def check_port(host: str, port: int) -> None:
    """Raise unless a server can listen at an address.

    Raises:
        InputError: the port is taken, or the address is none of this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
    except OSError as error:
        raise InputError(
            f"host and port must be a free address of this machine, got {host} and {port}: "
            f"{error.strerror}"
        ) from error


def check_database(database: Database, admin: str, password: str | None) -> None:
    """Raise unless the database answers, MLflow may use it, and an administrator can sign in.

    Args:
        database: where it is.
        admin: name of the administrator.
        password: of the administrator, needed until that user exists.

    Raises:
        StoreError: it does not answer, or permits no new tables to a first start.
        InputError: the administrator needs a password.
    """
    import psycopg

    try:
        with psycopg.connect(
            database.libpq_uri, password=database.password, connect_timeout=_SECONDS_TO_CONNECT
        ) as connection:
            is_new = _value(connection, "SELECT to_regclass('alembic_version') IS NULL")
            may_create = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
            may_start = not is_new or bool(_value(connection, may_create))
            has_users = _value(connection, "SELECT to_regclass('users') IS NOT NULL")
            exists = "SELECT EXISTS (SELECT FROM users WHERE username = %s)"
            has_admin = has_users and _value(connection, exists, admin)
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"{DATABASE} must answer as {database.uri}, got: {reason}") from None
    if not may_start:
        raise StoreError(
            f"{DATABASE} must name a database in which its user may create tables, got "
            f"{database.uri}; ALTER DATABASE … OWNER TO … makes the user its owner"
        )
    if not has_admin and not password:
        raise InputError(
            f"{ADMIN_PASSWORD} must be set until user {admin} exists, got none; it can be removed "
            "after the first start"
        )


def _value(connection: Any, query: str, *values: str) -> object:
    row = connection.execute(query, values).fetchone()
    return None if row is None else row[0]


def write_auth(settings: ServerSettings, database: Database) -> None:
    """Write MLflow's settings of users and permissions, which hold no secret, into the folder.

    Raises:
        InputError: a file of another origin has their name.
        OSError: the folder cannot be written.
    """
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (settings.folder / ARTIFACTS).mkdir(exist_ok=True, mode=0o700)
    path = settings.folder / AUTH
    if path.exists() and not path.read_text("utf-8", "replace").startswith(_WRITTEN):
        raise InputError(f"{path} must be as ablab wrote it, got another file; move it aside")
    lines = [
        _WRITTEN,
        "[mlflow]",
        f"default_permission = {settings.permission}",
        f"database_uri = {database.uri.replace('%', '%%')}",  # configparser's escape
        f"auth_cache_ttl_seconds = {_SECONDS_OF_CACHE}",
    ]
    write_atomic(path, "\n".join(lines) + "\n")
