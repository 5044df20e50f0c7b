"""Values a second into MLflow from several writers: delivery against `mlflow.log_metric` in a loop.

Each writer is a process of its own with runs of its own, into a SQLite store and through a local
MLflow server. Both ways log the same values, turn by turn, in one run of this script.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measurements import format_median, format_ratio, parse_options, print_results
from synthetic import EPOCHS as SIZED_EPOCHS
from synthetic import write_lab

from ablab.tracking.address import locate
from ablab.tracking.delivery import deliver
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.store import Store, preload
from ablab.tracking.ui import answers, command, free_port

EPOCHS = 10
WRITERS = (1, 4, 16)
SIZED = 100  # runs whose size in the store is measured
_METRICS = ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr")
_MEASURED = ("time/epoch_seconds", "time/validation_seconds", "throughput", "memory/peak_bytes")
VALUES = EPOCHS * (len(_METRICS) + len(_MEASURED))

Logger = Callable[[str, Run, Any], None]
"""Logs the values of a run to a tracking URI, after it waited for the others."""


def main() -> None:
    """Measure and report."""
    asked = parse_options(__doc__ or "", 3)
    preload()
    lines = [f"values/s of all writers together; {EPOCHS} epochs x {VALUES // EPOCHS} values a run"]
    for backend in (_sqlite, _server):
        for writers in WRITERS:
            rates = _measure(backend, writers, asked.rounds)
            lines += [f"{backend.__name__[1:]}, {writers} writer{'s' * (writers > 1)}"]
            for name, values in rates.items():
                lines.append(f"  {name:<36}{format_median(values, 'values/s')}")
            for name in list(rates)[1:]:
                ratio = format_ratio(rates[name], rates["log_metric in a loop"])
                lines.append(f"  {name + ' / loop':<36}{ratio}")
    print_results(__doc__ or "", [*lines, *_size()], asked.save)


def _measure(backend: Any, writers: int, rounds: int) -> dict[str, list[float]]:
    """Return the values a second of each way and round."""
    ways: dict[str, Logger] = {
        "log_metric in a loop": _loop,
        "delivery, once an epoch": _by_epoch,
        "delivery, whole run at once": _at_once,
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder, backend(Path(folder)) as uri:
        for number in range(rounds):
            for name, way in ways.items():
                lab = Lab.open(Path(folder) / f"lab-{number}-{way.__name__}")
                rates[name].append(_rate(way, uri, lab, writers))
    return rates


def _rate(way: Logger, uri: str, lab: Lab, writers: int) -> float:
    """Let all writers log at once, and return the values a second."""
    fork = multiprocessing.get_context("fork")  # MLflow is imported already, no store is open
    barrier, queue = fork.Barrier(writers + 1), fork.Queue()
    runs = [_new_run(lab, number) for number in range(writers)]

    def write(run: Run) -> None:
        way(uri, run, barrier)
        queue.put(time.perf_counter())

    processes = [fork.Process(target=write, args=(run,)) for run in runs]
    for process in processes:
        process.start()
    barrier.wait()
    start = time.perf_counter()
    seconds = max(queue.get() for _ in processes) - start
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return writers * VALUES / seconds


def _new_run(lab: Lab, number: int) -> Run:
    trial = {"key": f"{number:016x}", "config": {"seed": number}, "choices": {}, "data_hash": "d"}
    run = lab.new_run(trial)
    Journal(run.journal).append(Entry("attempt", time.time()))
    return run


def _loop(uri: str, run: Run, barrier: Any) -> None:
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id="0")
    with mlflow.start_run():
        barrier.wait()
        for number in range(EPOCHS):
            entry = _epoch(number)
            for name, value in {**entry.metrics, **entry.measured}.items():
                mlflow.log_metric(name, value, step=number)


def _by_epoch(uri: str, run: Run, barrier: Any) -> None:
    store, journal = _opened(uri, run), Journal(run.journal)
    barrier.wait()
    for number in range(EPOCHS):
        journal.append(_epoch(number))
        _deliver(run, store)


def _at_once(uri: str, run: Run, barrier: Any) -> None:
    store, journal = _opened(uri, run), Journal(run.journal)
    for number in range(EPOCHS):
        journal.append(_epoch(number))
    barrier.wait()
    _deliver(run, store)


def _opened(uri: str, run: Run) -> Store:
    """Open the store and create the MLflow run, as the loop does before it logs."""
    store = Store.open(Lab(run.folder.parents[2]), uri)
    _deliver(run, store)
    return store


def _deliver(run: Run, store: Store) -> None:
    with run.lock():  # as a trial that trains
        deliver(run, store, "measured", name=run.key, tags={})


def _epoch(number: int) -> Entry:
    metrics = dict.fromkeys(_METRICS, 0.5 + number / 1000)
    return Entry("epoch", time.time(), number, metrics, dict.fromkeys(_MEASURED, 5.0 + number))


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    """Yield the address of a new SQLite store."""
    yield _created(folder).uri


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Yield the address of a server, as `ablab ui` starts it, on a new SQLite store."""
    store = _created(folder)
    port = free_port(5300)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command(store, port), stdout=log, stderr=log, start_new_session=True
        )
        try:
            while not answers(port):
                assert server.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _created(folder: Path) -> Store:
    """Create a store in a process of its own: writers are forked, and must not inherit it."""
    root = folder / "store"
    subprocess.run([sys.executable, "-c", _CREATE, str(root)], check=True, capture_output=True)
    return Store(Lab(root), locate(root), None, root / "artifacts")


_CREATE = """
import sys
from pathlib import Path
from ablab.tracking.lab import Lab
from ablab.tracking.store import Store
store = Store.open(Lab.open(Path(sys.argv[1])))
store.experiment("measured")
store.close()
"""


def _size() -> list[str]:
    """Return lines on the size of finished runs of LeNet-5 in the lab's own store."""
    with tempfile.TemporaryDirectory() as folder:
        lab = write_lab(Path(folder) / "lab", "sized", 4, SIZED // 4, 1)
        start = time.perf_counter()
        environment = {**os.environ, "ABLAB_HOME": str(lab.root)}
        environment.pop("MLFLOW_TRACKING_URI", None)
        sync = [sys.executable, "-m", "ablab", "sync"]
        subprocess.run(sync, env=environment, check=True, capture_output=True)
        seconds = time.perf_counter() - start
        database = (lab.root / "mlflow.db").stat().st_size
        files = [f for f in (lab.root / "artifacts").rglob("*") if f.is_file()]
        artifacts = sum(file.stat().st_size for file in files)
    scale = 1_000 / SIZED
    return [
        f"size per 1,000 finished runs (from {SIZED} of LeNet-5, {SIZED_EPOCHS} epochs each)",
        f"  mlflow.db                         {database * scale / 1e6:.1f} MB",
        f"  artifacts                         {artifacts * scale / 1e6:.1f} MB",
        f"  `ablab sync` of {SIZED} runs           {seconds:.1f} s, Python's start included",
    ]


if __name__ == "__main__":
    main()
