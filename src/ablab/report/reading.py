"""A report for notebooks: its numbers as data frames, its pictures as matplotlib figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ablab.errors import InputError
from ablab.report.analysis.analysis import Analysis
from ablab.report.card import card
from ablab.report.export import tidy
from ablab.report.mlflow.naming import Naming
from ablab.report.mlflow.report import foreign_page
from ablab.report.page.figures.colors import apply_colors
from ablab.report.page.page import Page, page_of
from ablab.report.page.variants_table import variants_cards
from ablab.tracking.foreign import ForeignStore
from ablab.tracking.lab import Lab
from ablab.tracking.plan import find_plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


def reading(lab: Lab, sweep: str) -> "Reading":
    """Return the report of a sweep that the lab has planned."""
    return Reading(page_of(lab, find_plan(lab, sweep)))


def reading_of_runs(naming: Naming) -> "Reading":
    """Return the report of MLflow runs that ablab did not start."""
    return Reading(foreign_page(ForeignStore(), naming))


@dataclass(frozen=True)
class Reading:
    """A report on the trials so far; later changes need another `read`.

    docs/report_columns.md describes the columns.

    Attributes:
        page: the content that `ablab report` would write.
    """

    page: Page

    @property
    def analysis(self) -> Analysis:
        """The statistics as objects."""
        return self.page.analysis

    @property
    def question(self) -> str:
        """The question of the sweep."""
        return self.page.question

    @property
    def verdict(self) -> str:
        """The answer in a sentence, or the reason why there is none yet."""
        return self.page.verdict.sentence

    @property
    def notices(self) -> list[str]:
        """Remarks that limit what the numbers mean."""
        return self.page.notices

    @cached_property
    def trials(self) -> "DataFrame":
        """One row per trial."""
        return _frame(tidy.trials(self.analysis), ())

    @cached_property
    def variants(self) -> "DataFrame":
        """One row per variant and block."""
        return _frame(tidy.variants(self.analysis), ())

    @cached_property
    def contrasts(self) -> "DataFrame":
        """One row per contrast; the columns of tests are filled once there is a verdict."""
        return _frame(tidy.contrasts(self.analysis), tidy.contrast_columns())

    @cached_property
    def curves(self) -> "DataFrame":
        """One row per trial and epoch: ``val_accuracy``, and ``seconds`` of training so far."""
        return _frame(tidy.curves(self.analysis), tidy.CURVE)

    @cached_property
    def speed(self) -> "DataFrame":
        """One row per trial that trained: epochs and seconds to the target; empty without one."""
        return _frame(tidy.speed(self.analysis), tidy.SPEED)

    @property
    def figures(self) -> list[str]:
        """The names of the pictures on the page."""
        return [svg.name for svg in self.page.pictures]

    def figure(self, name: str) -> "Figure":
        """Return a picture of the page as a matplotlib figure.

        Args:
            name: one of `figures`, or a prefix, for the first with it: ``"differences"``.

        Raises:
            InputError: the page has no such picture; the message lists those it has.
        """
        matching = [svg for svg in self.page.pictures if svg.name.startswith(name)]
        exact = [svg for svg in matching if svg.name == name]
        if not matching:
            known = ", ".join(self.figures) or "none yet"
            raise InputError(f"figure must be one of {known}; got {name!r}")
        return apply_colors((exact or matching)[0].figure)

    def _repr_html_(self) -> str:
        """Return the report for a notebook: question, verdict, variants, notices."""
        asked = [f"Asked with {self.page.asked_with}."] if self.page.asked_with else []
        tables = variants_cards(self.analysis)
        return card("Report", self.question, [*asked, self.verdict], tables, self.notices)

    def _repr_markdown_(self) -> str:
        """Return question and verdict, for a notebook without HTML."""
        from ablab.report.markup import markdown

        return f"**{markdown(self.question)}**\n\n{markdown(self.verdict)}"


def _frame(records: Sequence[tidy.Record], names: Sequence[str]) -> "DataFrame":
    """Return records as a data frame; a column without any value is of type float, all NaN.

    Args:
        records: one per row, all with the same names.
        names: the columns if there are no records.
    """
    from pandas import DataFrame

    frame = DataFrame(list(records), columns=None if records else list(names))
    empty = [name for name in frame if frame[name].isna().all()]
    return frame.astype(dict.fromkeys(empty, float))
