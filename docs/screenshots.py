"""Take the pictures `report`, `dashboard` and `report_in_mlflow` of one run of the demo.

    ablab sweep demo --report           # in an empty folder, on an idle machine
    python docs/screenshots.py lab

Needs Chromium or Chrome. The pictures carry the verdict of that run, which a test compares with
the README's. The dashboard is the page that `ablab ui demo` opens.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import mlflow
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ablab.report.export.pdf import find_browser
from ablab.report.page.page import page_of
from ablab.tracking.lab import Lab
from ablab.tracking.plan import find_plan

PICTURES = Path(__file__).parent / "pictures"
REPORT = (1160, 1400), (0, 30, 1160, 845)  # window and crop, in pixels
DASHBOARD = (1600, 1000), (198, 0, 1185, 625)
IN_MLFLOW = (1600, 1000), (198, 0, 1185, 1000)


def run(url: str, name: str, form: tuple[tuple[int, int], Sequence[int]], verdict: str) -> None:
    """Write the picture of a page."""
    (width, height), crop = form
    browser = find_browser()
    assert browser, "Chromium or Chrome must be on PATH"
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options += ["--force-color-profile=srgb", f"--window-size={width},{height}"]
        options += ["--virtual-time-budget=30000", f"--user-data-dir={folder}/profile"]
        command = [browser, *options, f"--screenshot={shot}", url]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        image = Image.open(shot).convert("RGB").crop(tuple(crop))
    info = PngInfo()
    info.add_text("verdict", verdict.encode("ascii", "xmlcharrefreplace").decode())
    image.quantize(128, dither=Image.Dither.NONE).save(PICTURES / name, pnginfo=info, optimize=True)


@contextmanager
def dashboard(lab: Path) -> Iterator[str]:
    """Serve the dashboard, and yield its address."""
    command = [sys.executable, "-m", "ablab", "ui", "demo", "--port", "5260"]
    environment = os.environ | {"ABLAB_HOME": str(lab)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        found = re.search(r"http://\S+", server.stdout.readline())
        try:
            assert found, "the dashboard must answer"
            yield found[0]
        finally:
            server.terminate()


def main() -> None:
    """Take the pictures of the lab that is named."""
    folder = Path(sys.argv[1]).resolve()
    lab = Lab(folder)
    verdict = page_of(lab, find_plan(lab, "demo")).verdict.sentence
    report = folder / "sweeps" / "demo" / "report" / "report.html"
    run(report.as_uri(), "report.png", REPORT, verdict)
    with dashboard(folder) as address:
        run(address, "dashboard.png", DASHBOARD, verdict)
        base, _, route = address.partition("#")
        experiment = route.split("/")[2]
        client = mlflow.MlflowClient(base)
        (parent,) = client.search_runs([experiment], "tags.`ablab.kind` = 'sweep'")
        report = f"runs/{parent.info.run_id}/artifacts/report/report.html"
        page = f"{base}#/experiments/{experiment}/{report}"
        run(page, "report_in_mlflow.png", IN_MLFLOW, verdict)


if __name__ == "__main__":
    main()
