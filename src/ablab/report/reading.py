"""A sweep's report for a notebook: data frames and figures of the numbers on its page."""

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
from ablab.report.page.page import Page, page_of
from ablab.report.page.tables import variants_cards
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
    """Return the report of runs in MLflow that ablab did not launch."""
    return Reading(foreign_page(ForeignStore(), naming))


@dataclass(frozen=True)
class Reading:
    """A report, read as far as the sweep has come; what changes later needs reading again.

    The columns are those of docs/report_columns.md.

    Attributes:
        page: what `ablab report` would write.
    """

    page: Page

    @property
    def analysis(self) -> Analysis:
        """All that the statistics have to say, as objects."""
        return self.page.analysis

    @property
    def question(self) -> str:
        """The question as the sweep puts it."""
        return self.page.question

    @property
    def verdict(self) -> str:
        """The answer in a sentence, or why there is none yet."""
        return self.page.verdict.sentence

    @property
    def notices(self) -> list[str]:
        """What to hold against the figures."""
        return self.page.notices

    @cached_property
    def trials(self) -> "DataFrame":
        """A row a trial."""
        return _frame(tidy.trials(self.analysis), ())

    @cached_property
    def variants(self) -> "DataFrame":
        """A row a variant and block."""
        return _frame(tidy.variants(self.analysis), ())

    @cached_property
    def contrasts(self) -> "DataFrame":
        """A row a contrast; tests stand in it once a verdict was given."""
        return _frame(tidy.contrasts(self.analysis), tidy.contrast_columns())

    @cached_property
    def curves(self) -> "DataFrame":
        """A row a trial and epoch: ``val_accuracy``, and ``seconds`` of training up to there."""
        return _frame(tidy.curves(self.analysis), tidy.CURVE)

    @cached_property
    def speed(self) -> "DataFrame":
        """A row a trial that trained: epochs and seconds to the target, where there is one."""
        return _frame(tidy.speed(self.analysis), tidy.SPEED)

    @property
    def figures(self) -> list[str]:
        """The names of the page's pictures."""
        return [svg.name for svg in self.page.pictures]

    def figure(self, name: str) -> "Figure":
        """Return a picture of the page, to be shown, changed or saved.

        Args:
            name: one of `figures`, or what the first of several begins with: ``"differences"``.

        Raises:
            InputError: the page has no such picture; names those it has.
        """
        from ablab.report.page.figures.colors import apply_colors

        begun = [svg for svg in self.page.pictures if svg.name.startswith(name)]
        exact = [svg for svg in begun if svg.name == name]
        if not begun:
            known = ", ".join(self.figures) or "none yet"
            raise InputError(f"figure must be one of {known}; got {name!r}")
        return apply_colors((exact or begun)[0].figure)

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it: question, verdict, variants, what limits them."""
        asked = [f"Asked with {self.page.asked_with}."] if self.page.asked_with else []
        tables = variants_cards(self.analysis)
        return card("Report", self.question, [*asked, self.verdict], tables, self.notices)

    def _repr_markdown_(self) -> str:
        """Return what is shown of it where there is no HTML."""
        from ablab.report.markup import markdown

        return f"**{markdown(self.question)}**\n\n{markdown(self.verdict)}"


def _frame(records: Sequence[tidy.Record], names: Sequence[str]) -> "DataFrame":
    """Return records as a data frame; a column that knows nothing is of numbers that are none.

    Args:
        records: of the same names.
        names: these, for where there is no record.
    """
    from pandas import DataFrame

    frame = DataFrame(list(records), columns=None if records else list(names))
    unknown = [name for name in frame if frame[name].isna().all()]
    return frame.astype(dict.fromkeys(unknown, float))
