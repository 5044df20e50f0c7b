"""A Postgres of the tests' own, from Debian's package, as an unprivileged user."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PASSWORD = "q8w7e6r5-t4z3u2i1"
USER = DATABASE = "runs"
_SECONDS = 60


def binaries() -> Path | None:
    """Return the folder of Postgres's programs, None if it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = shutil.which("initdb") or (str(found[-1]) if found else None)
    return Path(path).resolve().parent if path else None


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """Run Postgres on a free port of this machine; yield the URI, with user and database.

    Postgres refuses to run as root, and a test's own folder is closed to other users.
    """
    account = unprivileged()
    with TemporaryDirectory(prefix="ablab-postgres-") as name:
        folder, port = Path(name), free_port()
        (folder / "password").write_text(PASSWORD)
        if account:
            for path in (folder, folder / "password"):
                os.chown(path, account["user"], account["group"])
        options = ["-U", USER, "--auth=scram-sha-256", "-E", "UTF8", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", *options, f"--pwfile={folder}/password"],
            cwd=folder,
            check=True,
            capture_output=True,
            **account,
        )
        settings = {"port": port, "listen_addresses": "127.0.0.1", "fsync": "off"}
        settings |= {"unix_socket_directories": folder}
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data"]
            + [part for n, value in settings.items() for part in ("-c", f"{n}={value}")],
            cwd=folder,
            stderr=subprocess.DEVNULL,
            **account,
        )
        try:
            uri = f"postgresql://{USER}@127.0.0.1:{port}"
            create(uri)
            yield f"{uri}/{DATABASE}"
        finally:
            server.terminate()  # SIGTERM waits for clients, SIGINT ends their sessions
            server.send_signal(2)
            server.wait(_SECONDS)


def create(uri: str) -> None:
    """Create the database once the server answers."""
    import psycopg

    end = time.monotonic() + _SECONDS
    while True:
        try:
            connection = psycopg.connect(f"{uri}/postgres", password=PASSWORD, autocommit=True)
            break
        except psycopg.OperationalError:
            assert time.monotonic() < end
            time.sleep(0.1)
    with connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")


def unprivileged() -> dict[str, Any]:
    """Return arguments of `subprocess` that give up root's rights, none for other users."""
    if os.geteuid() != 0:
        return {}
    names = {account.pw_name: account for account in pwd.getpwall()}
    account = names.get("postgres") or names["nobody"]
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
