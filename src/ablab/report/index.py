"""The reports of all sweeps, and an index of their questions and answers."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ablab.errors import InputError
from ablab.report.build import Report, build_report
from ablab.report.page.filling import fill
from ablab.tracking.files import write_atomic
from ablab.tracking.lab import Lab


@dataclass(frozen=True)
class Answer:
    """A sweep in the index.

    Attributes:
        sweep: name of the sweep.
        report: the report written, or None.
        error: why no report was written, or empty.
        files: further files of the report: name and link.
    """

    sweep: str
    report: Report | None
    error: str = ""
    files: tuple[tuple[str, str], ...] = ()

    @property
    def link(self) -> str:
        """The path of the page, relative to the index."""
        return f"{quote(self.sweep)}/report/report.html"

    @property
    def state(self) -> str:
        """The state of the sweep: ``answered``, ``open``, or ``without report``."""
        if self.report is None:
            return "without report"
        return "answered" if self.report.is_answered else "open"


def report_all(lab: Lab, forms: Collection[str] = ()) -> Iterator[Answer]:
    """Write the report of each sweep, alphabetically; an error in one does not stop the others.

    Raises:
        InputError: the lab has planned no sweep.
    """
    if not lab.sweeps():
        raise InputError("sweeps must be planned before --all reports them, got none")
    for sweep in lab.sweeps():
        try:
            yield Answer(sweep, build_report(lab, sweep, forms))
        except InputError as error:
            yield Answer(sweep, None, str(error))


def write_index(lab: Lab, answers: Collection[Answer]) -> Path:
    """Write ``index.html`` and ``index.md`` into ``lab/sweeps``, and return the page's path."""
    folder = lab.root / "sweeps"
    folder.mkdir(parents=True, exist_ok=True)
    for form in ("md", "html"):
        write_atomic(folder / f"index.{form}", index_text(answers, form))
    return folder / "index.html"


def index_text(answers: Collection[Answer], form: str) -> str:
    """Return the index as ``html`` or ``md``."""
    answered = sum(answer.state == "answered" for answer in answers)
    return fill(f"index.{form}.j2", answers=answers, answered=answered)
