"""MLflow's own pages for a lab: its server on this machine alone, telemetry off."""

import os
import socket
import sys

from ablab.tracking.lab import Lab
from ablab.tracking.store import Store

_HOST = "127.0.0.1"
_PORTS_TRIED = 100
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",  # MLflow's own, of no use to who looks at runs
}


def serve(lab: Lab, port: int = 5001) -> None:
    """Say where the pages are, and become MLflow's server; Ctrl-C ends it.

    Args:
        lab: the lab; its store is made or mended first.
        port: the first port to try (5000 belongs to AirPlay on a Mac).

    Raises:
        StoreError: the store cannot be used.
        ValueError: no port is free.
    """
    store = Store.open(lab)
    store.close()
    for notice in store.notices:
        sys.stderr.write(f"{notice}\n")
    if store.artifacts is None:
        sys.stdout.write(
            f"the runs are on the server that MLFLOW_TRACKING_URI names: {store.uri}\n"
        )
        return
    port = free_port(port)
    sys.stdout.write(f"MLflow shows {store.label} at http://{_HOST}:{port} (Ctrl-C ends it)\n")
    sys.stdout.flush()
    arguments = command(store, port)
    os.execve(arguments[0], arguments, {**os.environ, **_SETTINGS})


def command(store: Store, port: int) -> list[str]:
    """Return the command line of MLflow's server for a store that keeps its own artifacts."""
    assert store.artifacts is not None
    arguments = ["-m", "mlflow", "server", "--host", _HOST, "--port", str(port), "--workers", "1"]
    arguments += ["--backend-store-uri", store.uri, "--no-serve-artifacts"]
    return [sys.executable, *arguments, "--default-artifact-root", store.artifacts.as_uri()]


def free_port(first: int) -> int:
    """Return the first port from ``first`` on that nobody listens at.

    Raises:
        ValueError: a hundred ports in a row are taken.
    """
    for port in range(first, first + _PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            return port
    raise ValueError(f"port must be free, got {first} to {first + _PORTS_TRIED - 1}, all taken")
