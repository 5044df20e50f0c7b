"""The PDF of a page, printed by a real browser: table heads and headings."""

import re
import shutil
import subprocess

import pytest
from labwriter import LabWriter, realistic_outcomes

from ablab.report.build import PDF, build_report
from ablab.report.export.pdf import find_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not find_browser() or not shutil.which("pdftotext"),
        reason="needs a browser that prints, and pdftotext of poppler-utils",
    ),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[list[str]], list[str]]:
    """Return the non-blank lines of each page, and the titles of the sections."""
    writer, outcomes = LabWriter(tmp_path_factory.mktemp("lab")), realistic_outcomes(10)
    outcomes |= {f"v{i:02d}": [x + 1e-4 * i for x in outcomes["relu"]] for i in range(40)}
    made = build_report(
        writer.lab, writer.sweep(outcomes, question_kind="best", target=0.95), [PDF]
    )
    command = ["pdftotext", "-layout", str(made.pdf), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pages = [[line for line in page.splitlines() if line.strip()] for page in text.split("\f")]
    titles = re.findall(r"<h2>(.*?)</h2>", made.html.read_text("utf-8"))
    return [page for page in pages if page], titles


def test_a_table_over_several_pages_repeats_its_head(
    report: tuple[list[list[str]], list[str]],
) -> None:
    pages, _ = report
    contrasts = [page for page in pages if any(re.match(r" *contrast\b", x) for x in page[:2])]
    assert len(contrasts) >= 2
    assert all("minimum" in " ".join(page[:6]) for page in contrasts)
    speed = [page for page in pages if re.match(r" *variant +reached\b", page[0])]
    assert len(speed) >= 1
    for page in pages:  # no page begins with a row
        assert not re.match(r" *(v\d\d|relu|elu|prelu|tanh|sigmoid|leaky_relu)\b", page[0])


def test_no_section_starts_at_the_end_of_a_page(
    report: tuple[list[list[str]], list[str]],
) -> None:
    pages, titles = report
    assert len(titles) >= 8
    assert all(any(line.strip() == title for page in pages for line in page) for title in titles)
    for page in pages:
        assert page[-1].strip() not in titles
