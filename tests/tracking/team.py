"""`ablab serve` in a process of its own, on a Postgres of the tests' own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from postgres import PASSWORD, free_port

ADMIN = ("admin", "Zq8w7-e6r5t4z3")
MEMBER = ("ann", "Yr4t5-z6u7i8o9")
SECRET_KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
SECRETS = (PASSWORD, ADMIN[1], MEMBER[1], SECRET_KEY)
_SECONDS = 180


class Server:
    """A team server that can be started, killed and started again at the same address."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database, self.port = folder / "server", database, free_port()
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """Variables of the server: its secrets, and some that would weaken it."""
        return {
            **{
                name: value
                for name, value in os.environ.items()
                if name != "ABLAB_HOME" and "MLFLOW_" not in name  # set by other tests
            },
            "MLFLOW_BACKEND_STORE_URI": self.database,
            "PGPASSWORD": PASSWORD,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": SECRET_KEY,
            "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1],
            "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
            "MLFLOW_GUNICORN_OPTS": "--preload",
            "MLFLOW_DISABLE_TELEMETRY": "false",
        }

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [sys.executable, "-m", "ablab", "serve", str(self.folder)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port), "--workers", "1"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environ,
                start_new_session=True,
            )
        end = time.monotonic() + _SECONDS
        while not self.answers():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)

    def answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.address}/health", timeout=5).ok
        return False

    def kill(self) -> None:
        """Kill the server and all its processes at once, as a power failure would."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(_SECONDS)

    def stop(self) -> None:
        """Ask the server to end."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_SECONDS)
        self.kill()

    def command_lines(self) -> list[str]:
        """Return the command lines of the server's processes."""
        assert self._process is not None
        lines = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, ValueError):
                if os.getpgid(int(entry.name)) == self._process.pid:
                    lines.append((entry / "cmdline").read_text().replace("\0", " "))
        return lines

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request with exactly this path, by default as the administrator."""
        options = {"auth": ADMIN, "headers": {}} | options
        prepared = requests.Request(method, self.address, **options).prepare()
        prepared.url = self.address + path  # `prepare` would resolve dots
        with requests.Session() as session:
            session.trust_env = False
            return session.send(prepared, timeout=60)
