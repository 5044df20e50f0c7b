"""``ablab ui``: MLflow's server for a lab, reachable from this machine only, without telemetry."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from ablab.errors import InputError, StoreError
from ablab.tracking.lab import Lab
from ablab.tracking.store import Store
from ablab.tracking.sweep_view import page_route

_HOST = "127.0.0.1"
_PORTS_TRIED = 100
_POLL_SECONDS, _SECONDS_TO_EXIT = 0.2, 10
LOG = "ui.log"
SERVER_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",  # MLflow's own, of no use to its users
}


def serve(
    lab: Lab,
    port: int = 5001,
    *,
    sweep: str | None = None,
    on_address: Callable[[str], object] | None = None,
) -> int:
    """Run MLflow's server until it ends, and print its address once it answers.

    Ctrl-C, SIGTERM and a closed terminal end the server too.

    Args:
        lab: the lab; its store is created or corrected first.
        port: the first port to try (macOS uses 5000 for AirPlay).
        sweep: name of the sweep whose page the address shows; by default all experiments.
        on_address: called with the address once the server answers, for example to open it.

    Returns:
        The server's exit code; 0 if ``MLFLOW_TRACKING_URI`` names a server.

    Raises:
        StoreError: the store cannot be used, or the server ended before it answered.
        InputError: no port is free.
    """
    store = Store.open(lab)
    route = "" if sweep is None else f"/{page_route(store.experiment(sweep))}"
    store.close()
    for notice in store.notices:
        sys.stderr.write(f"{notice}\n")
    if store.artifacts is None:
        uri = store.address.without_password.rstrip("/") + route
        sys.stdout.write(f"the runs are on the server that MLFLOW_TRACKING_URI names: {uri}\n")
        if on_address is not None:
            on_address(uri)
        return 0
    port, log = free_port(port), lab.root / LOG
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    with _running(command(store, port), log) as server:
        while not answers(port):
            if (code := server.poll()) is not None:
                raise StoreError(f"MLflow's server ended with exit code {code}{_last_line(log)}")
            time.sleep(_POLL_SECONDS)
        address = f"http://{_HOST}:{port}{route}"
        shown = store.label if sweep is None else f"the sweep {sweep}"
        sys.stdout.write(f"MLflow shows {shown} at {address} (Ctrl-C ends it)\n")
        sys.stdout.flush()
        if on_address is not None:
            on_address(address)
        return server.wait()


def answers(port: int) -> bool:
    """Return whether MLflow's server answers at a port of this machine."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=5)  # ignores proxy settings
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def _running(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server that writes to ``log``; afterwards end it with all its processes."""
    log.unlink(missing_ok=True)  # another server may still write to the old file
    with log.open("wb") as stream:
        server = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **SERVER_SETTINGS},
            start_new_session=True,  # Ctrl-C reaches only us, and `killpg` all its processes
        )
    try:
        yield server
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(server.pid, number)
            with suppress(subprocess.TimeoutExpired):
                server.wait(_SECONDS_TO_EXIT)


def _exit(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def _last_line(log: Path) -> str:
    """Return the last line and the path of a log, as the end of a sentence."""
    lines = log.read_text("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last} (its log: {log})" if last else f" (its log: {log})"


def command(store: Store, port: int) -> list[str]:
    """Return the command line of MLflow's server for a store with an artifact folder."""
    assert store.artifacts is not None
    arguments = ["-m", "mlflow", "server", "--host", _HOST, "--port", str(port), "--workers", "1"]
    arguments += ["--backend-store-uri", store.uri, "--no-serve-artifacts"]
    return [sys.executable, *arguments, "--default-artifact-root", store.artifacts.as_uri()]


def free_port(first: int) -> int:
    """Return the first free port from ``first`` on.

    Raises:
        InputError: a hundred ports in a row are in use.
    """
    for port in range(first, first + _PORTS_TRIED):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((_HOST, port))
            except OSError:
                continue
            return port
    raise InputError(f"port must be free, got {first} to {first + _PORTS_TRIED - 1}, all in use")
