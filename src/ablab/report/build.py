"""Writes the report of a sweep from its plan and the records of its trials."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from ablab.errors import InputError
from ablab.report.card import card
from ablab.report.export import tidy
from ablab.report.export.json import document, to_json
from ablab.report.export.latex import latex
from ablab.report.export.pdf import print_pdf
from ablab.report.page.page import Page, page_of
from ablab.tracking.damage import damaged_runs
from ablab.tracking.files import write_atomic
from ablab.tracking.lab import Lab
from ablab.tracking.plan import find_plan

LATEX, PDF = "latex", "pdf"


@dataclass(frozen=True)
class Report:
    """A report on disk, one file per form.

    Attributes:
        sweep: name of the sweep's folder.
        folder: ``lab/sweeps/<sweep>/report``, which holds nothing else.
        question: the question of the sweep.
        asked_with: the overrides that changed its trials, or empty.
        verdict: the answer in a sentence, or the reason why there is none yet.
        is_answered: whether the verdict is an answer.
        complete: whether every planned trial has finished or failed for good, and no further look
            is needed.
        damaged: a message for each damaged record of its trials, with the remedy.
    """

    sweep: str
    folder: Path
    question: str
    asked_with: str
    verdict: str
    is_answered: bool
    complete: bool
    damaged: tuple[str, ...] = ()

    @property
    def html(self) -> Path:
        """The HTML page: one file, which needs no network."""
        return self.folder / "report.html"

    @property
    def markdown(self) -> Path:
        """The same content in Markdown."""
        return self.folder / "report.md"

    @property
    def json(self) -> Path:
        """All numbers of the report in one file."""
        return self.folder / "report.json"

    @property
    def csv(self) -> Path:
        """The table of trials, one row per trial."""
        return self.folder / "trials.csv"

    @property
    def latex(self) -> Path:
        """The tables for a paper, if requested."""
        return self.folder / "report.tex"

    @property
    def pdf(self) -> Path:
        """The page as PDF, if requested."""
        return self.folder / "report.pdf"

    def _repr_html_(self) -> str:
        """Return the report for a notebook: question, verdict, and path of the page."""
        asked = [f"Asked with {self.asked_with}."] if self.asked_with else []
        notes = [f"Page: {self.html}"]
        return card("Report", self.question, [*asked, self.verdict], notes=notes)


def build_report(
    lab: Lab, sweep: str, forms: Collection[str] = (), folder: Path | None = None
) -> Report:
    """Write the report of a sweep on its trials so far.

    The same records give the same bytes, except for the PDF, which a browser prints.

    Args:
        lab: the lab.
        sweep: name of the sweep.
        forms: further forms, ``latex`` or ``pdf``. Those that an earlier report wrote are written
            again, so that no two forms disagree; a PDF that no browser can print again is kept
            as ``earlier.pdf``.
        folder: the folder of the report; by default in the lab, beside the plan.

    Raises:
        InputError: the lab has no plan of that name, or no browser can print the PDF requested.
    """
    plan = find_plan(lab, sweep)
    folder, page = folder or lab.sweep_folder(plan.sweep) / "report", page_of(lab, plan)
    damaged = damaged_runs(lab, plan, {row.key: row.damage for row in page.rows})
    return replace(write_report(page, folder, forms), damaged=tuple(damaged))


def write_report(page: Page, folder: Path, forms: Collection[str] = ()) -> Report:
    """Write a page and its other forms into a folder."""
    report = Report(
        sweep=page.plan.sweep,
        folder=folder,
        question=page.question,
        asked_with=page.asked_with,
        verdict=page.verdict.sentence,
        is_answered=page.verdict.is_given,
        complete=page.is_complete,
    )
    folder.mkdir(parents=True, exist_ok=True)
    _write_texts(report, page)
    if LATEX in forms or report.latex.exists():
        write_atomic(report.latex, latex(page))
    if PDF in forms or report.pdf.exists():
        _write_pdf(report, is_required=PDF in forms)
    return report


def _write_pdf(report: Report, *, is_required: bool) -> None:
    """Print the page; an earlier PDF is renamed first, so that it never belongs to another page.

    Raises:
        InputError: the PDF is required, and no browser can print it.
    """
    earlier = report.folder / "earlier.pdf"
    if report.pdf.exists():
        report.pdf.replace(earlier)
    try:
        print_pdf(report.html, report.pdf)
    except InputError:
        if is_required:
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
