"""Seconds until MLflow's page of a sweep with 1,000 runs shows its verdict and its groups.

The runs are synthetic and delivered as `ablab sync` does, without their pictures, which that page
does not show. `ablab ui NAME` serves it to a headless browser, first with an empty profile, then
again in the same one.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measurements import format_median, parse_options, print_results
from synthetic import write_lab

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browser import Browser, browse

from ablab.report.build import build_report
from ablab.tracking import artifacts
from ablab.tracking.lab import Lab
from ablab.tracking.store import Store
from ablab.tracking.sweep_run import deliver_report
from ablab.tracking.sync import sync

VARIANTS, SEEDS = 10, 100


def main() -> None:
    """Measure and report."""
    asked = parse_options(__doc__ or "", 5)
    with tempfile.TemporaryDirectory() as folder:
        lab = write_lab(Path(folder) / "lab", "grown", VARIANTS, SEEDS, 1)
        start = time.perf_counter()
        _deliver(lab)
        delivered = time.perf_counter() - start
        size = (lab.root / "mlflow.db").stat().st_size / 1e6
        with _served(lab) as address:
            rounds = [_open(address) for _ in range(asked.rounds)]
    names = ("empty profile, verdict", "empty profile, runs", "again, verdict", "again, runs")
    lines = [
        f"{VARIANTS * SEEDS:,} runs ({VARIANTS} variants x {SEEDS} seeds), 20 epochs each",
        f"delivery, with a report    {delivered:.0f} s, once; mlflow.db {size:.0f} MB",
        *(
            f"{name:<26} {format_median([times[i] for times in rounds])}"
            for i, name in enumerate(names)
        ),
    ]
    print_results((__doc__ or "").splitlines()[0], lines, asked.save)


def _deliver(lab: Lab) -> None:
    artifacts.draw = lambda *_: []  # type: ignore[assignment]
    store = Store.open(lab)
    result = sync(lab, store)
    assert result.complete == VARIANTS * SEEDS, result
    report = build_report(lab, "grown")
    deliver_report(store, "grown", report.folder, report.verdict)
    store.close()


@contextmanager
def _served(lab: Lab) -> Iterator[str]:
    """Serve the page, and yield its address."""
    command = [sys.executable, "-m", "ablab", "ui", "grown", "--port", "5450"]
    environment = os.environ | {"ABLAB_HOME": str(lab.root)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found, "the dashboard must answer"
            yield found[0]
        finally:
            server.terminate()


def _open(address: str) -> tuple[float, ...]:
    """Return the seconds to the verdict and to the runs in a new browser, and again in it."""
    with browse() as browser:
        return *_load(browser, address), *_load(browser, address)


def _load(browser: Browser, address: str) -> tuple[float, float]:
    browser.go("about:blank")
    start = time.perf_counter()
    browser.go(address)
    browser.wait_for("Question:")
    verdict = time.perf_counter() - start
    browser.wait_for("Group: v")
    return verdict, time.perf_counter() - start


if __name__ == "__main__":
    main()
