"""Build the report of a sweep from its plan and the records of its trials."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ablab.errors import InputError
from ablab.report.card import card
from ablab.report.export import tidy
from ablab.report.export.json import document, to_json
from ablab.report.export.latex import latex
from ablab.report.export.pdf import print_pdf
from ablab.report.page.page import Page, page_of
from ablab.tracking.files import write_atomic
from ablab.tracking.lab import Lab
from ablab.tracking.plan import find_plan

LATEX, PDF = "latex", "pdf"


@dataclass(frozen=True)
class Report:
    """A report on disk.

    Attributes:
        sweep: the sweep's name on disk.
        folder: ``lab/sweeps/<sweep>/report``, which holds nothing else.
        question: what the sweep asks.
        asked_with: the overrides that changed its trials, or empty.
        verdict: the answer in a sentence, or why there is none yet.
        is_answered: whether the verdict is an answer.
        complete: whether every planned trial has finished or failed for good.
    """

    sweep: str
    folder: Path
    question: str
    asked_with: str
    verdict: str
    is_answered: bool
    complete: bool

    @property
    def html(self) -> Path:
        """The page, one file that needs no network."""
        return self.folder / "report.html"

    @property
    def markdown(self) -> Path:
        """Its twin in Markdown."""
        return self.folder / "report.md"

    @property
    def json(self) -> Path:
        """All of its numbers in one file."""
        return self.folder / "report.json"

    @property
    def csv(self) -> Path:
        """The tidy table of trials."""
        return self.folder / "trials.csv"

    @property
    def latex(self) -> Path:
        """The tables for a paper, where they were asked for."""
        return self.folder / "report.tex"

    @property
    def pdf(self) -> Path:
        """The page printed, where that was asked for."""
        return self.folder / "report.pdf"

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it: question, verdict, and where the page is."""
        asked = [f"Asked with {self.asked_with}."] if self.asked_with else []
        notes = [f"Page: {self.html}"]
        return card("Report", self.question, [*asked, self.verdict], notes=notes)


def build_report(
    lab: Lab, sweep: str, forms: Collection[str] = (), folder: Path | None = None
) -> Report:
    """Write the report of a sweep, as far as it has come, and return where it is.

    The same records give the same bytes (the PDF is the browser's).

    Args:
        lab: the lab.
        sweep: the sweep's name.
        forms: further forms, ``latex`` or ``pdf``. One that an earlier report was given is
            written again, so that no two forms disagree; a PDF that no browser can print again
            is kept as ``earlier.pdf``.
        folder: where it is written; by default into the lab, beside the plan.

    Raises:
        InputError: the lab has no plan of that name, or no browser can print the PDF asked for.
    """
    plan = find_plan(lab, sweep)
    folder = folder or lab.sweep_folder(plan.sweep) / "report"
    return write_report(page_of(lab, plan), folder, forms)


def write_report(page: Page, folder: Path, forms: Collection[str] = ()) -> Report:
    """Write a page and its other forms into a folder, and return where they are."""
    settled = all(row.is_settled for row in page.rows)
    verdict = page.verdict
    told = verdict.sentence, verdict.is_given, settled
    report = Report(page.plan.sweep, folder, page.question, page.asked_with, *told)
    folder.mkdir(parents=True, exist_ok=True)
    _write_texts(report, page)
    if LATEX in forms or report.latex.exists():
        write_atomic(report.latex, latex(page))
    if PDF in forms or report.pdf.exists():
        _print(report, asked=PDF in forms)
    return report


def _print(report: Report, *, asked: bool) -> None:
    """Print the page; an earlier print steps aside, so that it never stands beside another page.

    Raises:
        InputError: it was asked for, and no browser can.
    """
    earlier = report.folder / "earlier.pdf"
    if report.pdf.exists():
        report.pdf.replace(earlier)
    try:
        print_pdf(report.html, report.pdf)
    except InputError:
        if asked:
            raise
    else:
        earlier.unlink(missing_ok=True)


def _write_texts(report: Report, page: Page) -> None:
    content = document(page)
    for name in ("trials", "variants", "contrasts"):
        write_atomic(report.folder / f"{name}.csv", tidy.to_csv(content[name]))
    write_atomic(report.json, to_json(content))
    write_atomic(report.markdown, page.render("report.md.j2"))
    write_atomic(report.html, page.render("report.html.j2"))
