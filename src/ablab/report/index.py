"""Every sweep's report, and an index of questions and answers."""

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
        sweep: its name.
        report: what was written, or None.
        error: why nothing was, or empty.
    """

    sweep: str
    report: Report | None
    error: str = ""

    @property
    def link(self) -> str:
        """The page, seen from the index."""
        return f"{quote(self.sweep)}/report/report.html"

    @property
    def state(self) -> str:
        """How far the sweep is: ``answered``, ``open``, or ``without report``."""
        if self.report is None:
            return "without report"
        return "answered" if self.report.is_answered else "open"


def report_all(lab: Lab, forms: Collection[str] = ()) -> Iterator[Answer]:
    """Write the report of each sweep in turn, alphabetically; one that cannot be stops no other.

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
    """Write ``index.html`` and ``index.md`` into ``lab/sweeps``, and return the first's path."""
    folder = lab.root / "sweeps"
    folder.mkdir(parents=True, exist_ok=True)
    done = sum(answer.state == "answered" for answer in answers)
    for form in ("md", "html"):
        text = fill(f"index.{form}.j2", answers=answers, answered=done)
        write_atomic(folder / f"index.{form}", text)
    return folder / "index.html"
