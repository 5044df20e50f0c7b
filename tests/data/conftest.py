"""A temporary lab and data folder, small image sets, and a server that fails on request."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from ablab.data.image_set import ImageSet

_REAL = os.environ.get("ABLAB_DATA")


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ABLAB_HOME", str(tmp_path / "lab"))
    monkeypatch.setenv("ABLAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def real_data(monkeypatch) -> Path:
    if not _REAL:
        pytest.skip("ABLAB_DATA names no folder with the real data")
    monkeypatch.setenv("ABLAB_DATA", _REAL)
    return Path(_REAL)


def random_arrays(num_train: int, num_test: int, channels: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", num_train), ("test", num_test)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (n, 8, 8, channels), np.uint8)
        arrays[f"{part}_labels"] = rng.integers(0, 10, n, np.uint8)
    return arrays


@pytest.fixture
def image_set() -> ImageSet:
    """103 training and 23 test images of noise, so that all images differ."""
    return ImageSet(
        name="noise",
        in_channels=3,
        image_size=8,
        class_names=tuple("abcdefghij"),
        fingerprint="0123",
        read=partial(random_arrays, 103, 23, 3),
    )


@dataclass
class Server:
    """Files, faults and requests of a local server.

    Each request of a path uses its next fault: a status, ``"drop"`` (half of the content, then the
    connection ends), ``"corrupt"``, or ``"no ranges"`` (the whole file, whatever was requested).
    """

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[int | str]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    state: Server

    def do_GET(self):
        name = self.path.lstrip("/")
        wanted = self.headers.get("Range")
        self.state.asked.append((name, wanted))
        faults = self.state.faults.get(name, [])
        fault = faults.pop(0) if faults else None
        body = self.state.files.get(name)
        if body is None or isinstance(fault, int):
            self.send_error(fault if isinstance(fault, int) else 404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if fault == "no ranges":
            start = 0
        if start and start >= len(body):
            self.send_error(416)
            return
        self._send(body, start, fault)

    def _send(self, body, start, fault):
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        piece = body[start:]
        self.send_header("Content-Length", str(len(piece)))
        self.end_headers()
        if fault == "corrupt":
            piece = bytes(255 - byte for byte in piece)
        self.wfile.write(piece[: len(piece) // 2] if fault == "drop" else piece)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        handler.state = Server(f"http://127.0.0.1:{http.server_port}/")
        thread = threading.Thread(target=partial(http.serve_forever, poll_interval=0.01))
        thread.start()
        yield handler.state
        http.shutdown()
        thread.join()
