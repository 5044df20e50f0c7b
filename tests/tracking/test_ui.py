"""The server: local only, on a free port, showing the content of the store."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from recorded import begin, epoch, finish

from ablab.errors import StoreError
from ablab.tracking import ui
from ablab.tracking.delivery import deliver
from ablab.tracking.delivery_state import RUNS
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store
from ablab.tracking.sync import SyncResult, sync


def test_the_next_free_port_is_returned() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < ui.free_port(port) < port + 100


SERVER = """
import http.server, json, os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
seen = {"pids": [os.getpid(), child.pid], "environ": dict(os.environ)}
pathlib.Path(sys.argv[2]).write_text(json.dumps(seen))
time.sleep(0.7)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.handle_request()
time.sleep(float(sys.argv[3]))
sys.exit(5)
"""


def fake(seen: Path, seconds: float) -> Callable[[Store, int], list[str]]:
    """A server instead of MLflow's, which has a child and answers once after a while."""
    return lambda _, port: [sys.executable, "-c", SERVER, str(port), str(seen), str(seconds)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the signal handlers of this process."""
    monkeypatch.setattr(ui.signal, "signal", lambda *_: None)


@pytest.mark.usefixtures("handlers")
def test_the_address_is_printed_once_the_server_answers(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    checks: list[tuple[str, bool]] = []
    original = ui.answers

    def check(port: int) -> bool:
        checks.append((capsys.readouterr().out, original(port)))
        return checks[-1][1]

    monkeypatch.setattr(ui, "answers", check)
    monkeypatch.setattr(ui, "command", fake(tmp_path / "seen", 0))
    assert ui.serve(store.lab, port=5300) == 5
    assert [printed for printed, _ in checks] == [""] * len(checks)
    assert [answer for _, answer in checks] == [False] * (len(checks) - 1) + [True]
    assert len(checks) > 1
    assert "http://127.0.0.1:53" in capsys.readouterr().out
    environ = json.loads((tmp_path / "seen").read_text())["environ"]
    assert environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.usefixtures("handlers")
def test_a_server_that_ends_before_it_answers_is_an_error_with_its_last_line(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import sys; sys.stderr.write('first\\nno such table\\n\\n'); sys.exit(3)"
    monkeypatch.setattr(ui, "command", lambda *_: [sys.executable, "-c", code])
    with pytest.raises(
        StoreError, match=r"ended with exit code 3: no such table \(its log: .*ui.log"
    ):
        ui.serve(store.lab, port=5300)
    assert "http://" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
)
def test_the_server_ends_with_its_child_processes(
    store: Store, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    store.close()
    seen = tmp_path / "seen"
    program = (
        "import sys; from ablab.cli import main; from ablab.tracking import ui; "
        f"ui.command = lambda _, port: [sys.executable, '-c', {SERVER!r}, str(port), "
        f"{str(seen)!r}, '600']; sys.exit(main(['ui', '--port', '5350']))"
    )
    environ = os.environ | {"ABLAB_HOME": str(store.lab.root)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environ, text=True
    ) as process:
        assert process.stdout is not None
        assert "http://127.0.0.1:53" in process.stdout.readline()
        pids = json.loads(seen.read_text())["pids"]
        assert all(map(is_alive, pids))
        process.send_signal(number)
        assert process.wait(60) == code
    end = time.monotonic() + 30
    while any(map(is_alive, pids)):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_free_port_does_not_answer() -> None:
    assert not ui.answers(ui.free_port(5300))


def test_a_server_of_the_users_is_named_instead(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    ui.serve(lab)
    assert "http://127.0.0.1:1" in capsys.readouterr().out
    assert not (lab.root / "mlflow.db").exists()


@contextmanager
def served(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, env={**os.environ, **ui.SERVER_SETTINGS}
        )
    try:
        end = time.monotonic() + 120
        while not healthy(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(30)


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.read() == b"OK")
    except OSError:
        return False


@pytest.mark.slow
def test_mlflows_pages_show_the_runs_and_artifacts_of_a_lab(
    store: Store, make_finished: Callable[..., Run], tmp_path: Path
) -> None:
    run_id = deliver(make_finished(), store, "trials", name="n", tags={}).run_id
    port = ui.free_port(5100)
    with served(ui.command(store, port), port, tmp_path / "log"):
        address = f"http://127.0.0.1:{port}"
        api = f"{address}/api/2.0/mlflow/artifacts/list?run_id={run_id}&path=pictures"
        with urllib.request.urlopen(api) as answer:
            files = {item["path"] for item in json.load(answer)["files"]}
        assert files == {"pictures/learning_curves.png", "pictures/confusion_matrix.png"}
        picture = f"{address}/get-artifact?run_uuid={run_id}&path=pictures/learning_curves.png"
        with urllib.request.urlopen(picture) as answer:
            assert answer.read(4) == b"\x89PNG"


@pytest.mark.slow
def test_a_server_receives_everything_once_also_after_an_interruption(
    lab: Lab, template: Path, tmp_path: Path
) -> None:
    run = begin(lab, epochs=2)
    (tmp_path / "team.db").write_bytes(template.read_bytes())
    port = ui.free_port(5200)
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/team.db"]
    command += ["--artifacts-destination", str(tmp_path / "team")]
    with served(command, port, tmp_path / "log"):
        store = Store.open(lab, f"http://127.0.0.1:{port}")
        run_id = deliver(run, store, "trials", name="n", tags={}).run_id
    Journal(run.journal).append(epoch(2, **{"train/loss": float("nan"), "val/loss": float("inf")}))
    finish(run)
    with served(command, port, tmp_path / "log"):
        assert sync(lab, store) == SyncResult(complete=1)
        (run.folder / RUNS).unlink()
        assert sync(lab, store) == SyncResult(complete=1)
        mlflow_run = store.client.get_run(run_id)
        assert mlflow_run.info.status == "FINISHED"
        assert "completion" in mlflow_run.data.params
        for name in ("val/accuracy", "train/loss", "val/loss", "test/accuracy"):
            points = store.client.get_metric_history(run_id, name)
            assert len(points) == len({p.step for p in points}), name
        assert len(store.client.get_metric_history(run_id, "train/loss")) == 3
        names = {item.path for item in store.client.list_artifacts(run_id)}
        assert {"completion.json", "journal.jsonl", "pictures", "test_correct.npy"} <= names
        assert "last.ckpt" not in names
