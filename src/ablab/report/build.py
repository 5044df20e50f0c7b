"""Build the report of a sweep from its plan and the records of its trials."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablab.report.page import Page
from ablab.report.table import FIELDS, Row, read_table
from ablab.tracking.baselines import read_baselines
from ablab.tracking.files import write_atomic
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan

ENVIRONMENT = ("host", "cpu", "gpu", "threads", "commit", "dirty", "source_hash", "torch")


@dataclass(frozen=True)
class Report:
    """A report on disk.

    Attributes:
        folder: ``lab/sweeps/<sweep>/report``, which holds nothing else.
        verdict: the answer in a sentence, or why there is none yet.
        complete: whether every planned trial has finished or failed for good.
    """

    folder: Path
    verdict: str
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
    def csv(self) -> Path:
        """The tidy table of trials."""
        return self.folder / "trials.csv"


def build_report(lab: Lab, sweep: str) -> Report:
    """Write the report of a sweep, as far as it has come, and return where it is.

    The same records give the same bytes.

    Raises:
        ValueError: the lab has no plan of that name.
    """
    plan = read_plan(lab.sweep_folder(sweep))
    if plan is None:
        known = ", ".join(lab.sweeps()) or "none yet"
        raise ValueError(f"sweep must be one that has a plan ({known}), got {sweep!r}")
    page = Page(plan, read_table(lab, plan), tuple(read_baselines(lab.root)))
    settled = all(row.is_settled for row in page.rows)
    report = Report(lab.sweep_folder(sweep) / "report", page.verdict.sentence, settled)
    report.folder.mkdir(parents=True, exist_ok=True)
    write_atomic(report.csv, trials_csv(page.rows))
    write_atomic(report.markdown, page.render("report.md.j2"))
    write_atomic(report.html, page.render("report.html.j2"))
    return report


def trials_csv(rows: Sequence[Row]) -> str:
    """Return the trials as comma-separated values, figures in full, unknown ones empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = ("variant", "seed", "block", "key", "outcome", "value")
    writer.writerow([*names, *FIELDS, "data_hash", *ENVIRONMENT, "reason"])
    for row in rows:
        figures = [_plain(x) for x in (row.value, *row.figures.values())]
        facts = [row.data_hash, *(row.environment.get(name, "") for name in ENVIRONMENT)]
        place = [row.variant, row.seed, row.block, row.key, row.outcome]
        writer.writerow([*place, *figures, *facts, row.reason])
    return stream.getvalue()


def _plain(x: float) -> str:
    if not math.isfinite(x):
        return ""
    return str(int(x)) if x == int(x) else repr(x)
