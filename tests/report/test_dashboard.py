"""MLflow's pages in a real browser: the verdict is there, runs are grouped, the report opens."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, browse
from labwriter import LabWriter

from ablab.report.build import Report, build_report
from ablab.report.export.pdf import find_browser
from ablab.tracking.store import Store
from ablab.tracking.sweep_run import deliver_report
from ablab.tracking.sync import sync

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_browser(), reason="needs chromium or google-chrome on PATH"),
]
SEEDS = 3


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A lab with one sweep, delivered and reported."""
    writer = LabWriter(tmp_path_factory.mktemp("dashboard") / "lab")
    means = {"relu": 0.98, "leaky_relu": 0.983, "<i>odd</i> *name*": 0.97}
    outcomes = {name: [mean + 1e-3 * seed for seed in range(SEEDS)] for name, mean in means.items()}
    sweep = writer.sweep(outcomes)
    report = build_report(writer.lab, sweep)
    store = Store.open(writer.lab)
    sync(writer.lab, store)
    deliver_report(store, sweep, report.folder, report.verdict)
    store.close()
    return report


@pytest.fixture(scope="module")
def page(report: Report) -> Iterator[tuple[Browser, str]]:
    """A browser, and the address that ``ablab ui NAME`` prints."""
    command = [sys.executable, "-m", "ablab", "ui", report.sweep, "--port", "5410"]
    environment = os.environ | {"ABLAB_HOME": str(report.folder.parents[2])}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found
            with browse() as browser:
                yield browser, found[0]
        finally:
            server.terminate()


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_page_shows_the_verdict_and_groups_the_runs(
    page: tuple[Browser, str], report: Report
) -> None:
    browser, address = page
    browser.go("about:blank")
    browser.go(address)
    shown = words(browser.wait_for("Group: relu"))
    assert words(report.verdict) in shown
    assert f"Question: {report.question}" in shown
    assert f"{3 * SEEDS} of {3 * SEEDS} trials have finished" in shown
    for variant in ("relu", "leaky_relu", "<i>odd</i> *name*"):
        assert f"Group: {variant} {SEEDS} " in shown
        assert f"{variant} {SEEDS} of {SEEDS} 9" in shown  # a row of the table in the description
    assert "relu · seed 0" not in shown  # within its closed group
    top = browser.evaluate(
        "[...document.querySelectorAll('strong')].find(e => e.innerText.length > 40)"
        ".getBoundingClientRect().top"
    )
    assert 0 < top[0] < 300  # the verdict can be seen without scrolling or opening anything


def test_each_link_of_the_description_leads_to_its_page(page: tuple[Browser, str]) -> None:
    browser, address = page
    links = "[...document.querySelectorAll('td a')].map(a => [a.innerText, a.getAttribute('href')])"
    browser.go("about:blank")
    browser.go(address)
    browser.wait_for("Group: relu")
    found = browser.evaluate(links)[0]
    assert [text for text, _ in found] == [
        *("relu", "0", "1", "2", "leaky_relu", "0", "1", "2", "<i>odd</i> *name*", "0", "1", "2")
    ]
    base = address.partition("#")[0]
    for (_, href), expected in ((found[1], "relu · seed 0"), (found[4], "leaky_relu · seed 2")):
        browser.go("about:blank")
        browser.go(base + href)
        shown = browser.wait_for(expected)
        assert "tanh" not in shown


def test_the_report_opens_in_mlflows_viewer_with_its_script(
    page: tuple[Browser, str], report: Report, tmp_path: Path
) -> None:
    browser, address = page
    browser.go("about:blank")
    browser.go(address)
    browser.wait_for("Open the report")
    (href,) = browser.evaluate(
        "[...document.querySelectorAll('a')].find(a => a.innerText === 'Open the report')"
        ".getAttribute('href')"
    )
    browser.go("about:blank")
    browser.go(address.partition("#")[0] + href)
    shown = words(browser.wait_for("VERDICT"))
    assert report.question in shown
    assert shown.startswith("ABLATION REPORT")  # the text of the frame, not of MLflow's page
    sort = "document.querySelector('table.sortable th button')"
    assert browser.evaluate(f"{sort}.click() ?? 1")[-1] == 1  # made by the page's own script
    order = browser.evaluate(f"{sort}.parentElement.getAttribute('aria-sort')")[-1]
    assert order in ("ascending", "descending")
    browser.screenshot(tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 20_000
