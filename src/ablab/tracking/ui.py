"""MLflow's own pages for a lab: its server on this machine alone, telemetry off."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from ablab.errors import InputError, StoreError
from ablab.tracking.lab import Lab
from ablab.tracking.store import Store

_HOST = "127.0.0.1"
_PORTS_TRIED = 100
_SECONDS_BETWEEN_LOOKS, _SECONDS_TO_END = 0.2, 10
LOG = "ui.log"
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",  # MLflow's own, of no use to who looks at runs
}


def serve(lab: Lab, port: int = 5001) -> int:
    """Run MLflow's server, say where the pages are once it answers, and end with it.

    Ctrl-C, SIGTERM and a closed terminal end the server too.

    Args:
        lab: the lab; its store is made or mended first.
        port: the first port to try (5000 belongs to AirPlay on a Mac).

    Returns:
        The server's exit code; 0 where the pages are another server's.

    Raises:
        StoreError: the store cannot be used, or the server ended before it answered.
        ValueError: no port is free.
    """
    store = Store.open(lab)
    store.close()
    for notice in store.notices:
        sys.stderr.write(f"{notice}\n")
    if store.artifacts is None:
        place = store.address.without_password
        sys.stdout.write(f"the runs are on the server that MLFLOW_TRACKING_URI names: {place}\n")
        return 0
    port, log = free_port(port), lab.root / LOG
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with _started(command(store, port), log) as server:
        while not answers(port):
            if (code := server.poll()) is not None:
                raise StoreError(f"MLflow's server ended with exit code {code}{_end_of(log)}")
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        address = f"http://{_HOST}:{port}"
        sys.stdout.write(f"MLflow shows {store.label} at {address} (Ctrl-C ends it)\n")
        sys.stdout.flush()
        return server.wait()


def answers(port: int) -> bool:
    """Tell whether MLflow's server answers at a port of this machine."""
    asked = http.client.HTTPConnection(_HOST, port, timeout=5)  # of no proxy
    try:
        asked.request("GET", "/health")
        return asked.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


@contextmanager
def _started(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server that writes to a log of its own; end it with all its processes."""
    log.unlink(missing_ok=True)  # another server may still write to it
    with log.open("wb") as stream:
        server = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_SETTINGS},
            start_new_session=True,  # Ctrl-C comes here alone, and what it started ends with it
        )
    try:
        yield server
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(server.pid, number)
            with suppress(subprocess.TimeoutExpired):
                server.wait(_SECONDS_TO_END)


def _leave(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def _end_of(log: Path) -> str:
    """Return the last line of a log, and where it lies, as the end of a sentence."""
    lines = log.read_text("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last} (its log: {log})" if last else f" (its log: {log})"


def command(store: Store, port: int) -> list[str]:
    """Return the command line of MLflow's server for a store that keeps its own artifacts."""
    assert store.artifacts is not None
    arguments = ["-m", "mlflow", "server", "--host", _HOST, "--port", str(port), "--workers", "1"]
    arguments += ["--backend-store-uri", store.uri, "--no-serve-artifacts"]
    return [sys.executable, *arguments, "--default-artifact-root", store.artifacts.as_uri()]


def free_port(first: int) -> int:
    """Return the first port from ``first`` on that nobody listens at.

    Raises:
        InputError: a hundred ports in a row are taken.
    """
    for port in range(first, first + _PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            return port
    raise InputError(f"port must be free, got {first} to {first + _PORTS_TRIED - 1}, all taken")
