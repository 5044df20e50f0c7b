"""The server: on this machine alone, on a free port, and it shows what is in the store."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from recorded import begin, epoch, finish

from ablab.tracking import ui
from ablab.tracking.delivery import deliver
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab, Take
from ablab.tracking.runs import RUNS
from ablab.tracking.store import Store
from ablab.tracking.sync import Counts, sync


def test_the_next_free_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < ui.free_port(port) < port + 100


def test_serving_says_where_and_becomes_the_server(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    became: list[Any] = []
    monkeypatch.setattr("os.execve", lambda *arguments: became.extend(arguments))
    ui.serve(store.lab)
    program, arguments, environment = became
    assert program == sys.executable
    assert f"http://127.0.0.1:{arguments[arguments.index('--port') + 1]}" in capsys.readouterr().out
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert environment["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_server_of_ones_own_is_named_instead(
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
            command, stdout=stream, stderr=stream, env={**os.environ, **ui._SETTINGS}
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
def test_the_pages_list_a_labs_runs_and_show_their_artifacts(
    store: Store, make_finished: Callable[..., Take], tmp_path: Path
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
def test_a_teams_server_gets_everything_once_and_a_dead_one_is_caught_up(
    lab: Lab, template: Path, tmp_path: Path
) -> None:
    take = begin(lab, epochs=2)
    (tmp_path / "team.db").write_bytes(template.read_bytes())
    port = ui.free_port(5200)
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/team.db"]
    command += ["--artifacts-destination", str(tmp_path / "team")]
    with served(command, port, tmp_path / "log"):
        store = Store.open(lab, f"http://127.0.0.1:{port}")
        run_id = deliver(take, store, "trials", name="n", tags={}).run_id
    Journal(take.journal).append(epoch(2, **{"train/loss": float("nan"), "val/loss": float("inf")}))
    finish(take)
    with served(command, port, tmp_path / "log"):
        assert sync(lab, store) == Counts(complete=1)
        (take.folder / RUNS).unlink()
        assert sync(lab, store) == Counts(complete=1)
        run = store.client.get_run(run_id)
        assert run.info.status == "FINISHED"
        assert "completion" in run.data.params
        for name in ("val/accuracy", "train/loss", "val/loss", "test/accuracy"):
            points = store.client.get_metric_history(run_id, name)
            assert len(points) == len({p.step for p in points}), name
        assert len(store.client.get_metric_history(run_id, "train/loss")) == 3
        names = {item.path for item in store.client.list_artifacts(run_id)}
        assert {"completion.json", "journal.jsonl", "pictures", "test_correct.npy"} <= names
        assert "last.ckpt" not in names
