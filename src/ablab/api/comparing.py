"""`ablab.compare`: compare two sweeps."""

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.api.sweeping import SweepResult
from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.report.card import CardTable, card
from ablab.report.compare.change import Change
from ablab.report.compare.gate import Gate, decide
from ablab.report.compare.inputs import read_inputs
from ablab.report.compare.page import change_table, output_folder, write_change
from ablab.report.compare.text import differing, notes, sentence
from ablab.text import format_value
from ablab.tracking.lab import Lab

if TYPE_CHECKING:
    from pandas import DataFrame


def compare(
    a: str | SweepResult, b: str | SweepResult, lab: str | PathLike[str] | None = None
) -> "ComparisonResult":
    """Compare two sweeps trial by trial: differences beyond the noise, and changed settings.

    Args:
        a: a sweep's name, ``LAB:SWEEP`` for a sweep of another lab, either also followed by
            ``@COMMIT``; or the result of `ablab.sweep`.
        b: likewise; differences are ``b`` minus ``a``.
        lab: lab of a name without one; by default that of the command line.

    Raises:
        InputError: one of the sweeps does not exist, or their metrics differ.

    Example:
        >>> compare("demo", "demo [trainer.max_epochs=6]").table  # doctest: +SKIP
    """
    default_lab = Lab(lab_folder() if lab is None else Path(lab))
    return ComparisonResult(Change(*read_inputs(_name(a), _name(b), default_lab)))


def _name(sweep: str | SweepResult) -> str:
    if isinstance(sweep, SweepResult):
        return f"{sweep.lab.root}:{sweep.name}"
    if not isinstance(sweep, str):
        raise InputError(
            f"sweep must be a name or a result of ablab.sweep, got {format_value(sweep)}"
        )
    return sweep


@dataclass(frozen=True)
class ComparisonResult:
    """Comparison of two sweeps, paired by variant, block and seed.

    Attributes:
        change: all statistics, as objects.
    """

    change: Change

    @property
    def sentence(self) -> str:
        """What changed from A to B, or why there is no answer."""
        return sentence(self.change)

    @property
    def notes(self) -> list[str]:
        """Limitations of the comparison."""
        return notes(self.change)

    @cached_property
    def table(self) -> "DataFrame":
        """One row per variant and block that both sweeps have.

        Columns ``variant``, ``mean_a``, ``mean_b``, ``difference`` (B minus A), ``ci95_low``,
        ``ci95_high``, ``p_holm``, ``n`` (pairs), ``shared`` (trials that belong to both sweeps).
        Metrics are in the unit of their records: accuracies are shares, 0 to 1.
        """
        from pandas import DataFrame

        none = float("nan")
        rows = []
        for variant in self.change.variants:
            contrast = variant.contrast
            tested = self.change.is_settled and contrast.n > 2
            interval = contrast.interval or (none, none)
            p = contrast.p_holm if tested else none
            numbers = (*variant.means, contrast.mean, *interval, p)
            rows.append((variant.label, *numbers, contrast.n, len(variant.shared)))
        names = "variant mean_a mean_b difference ci95_low ci95_high p_holm n shared"
        return DataFrame(rows, columns=names.split())

    def gate(self, *fail_if: str, margin: float | None = None) -> Gate:
        """Decide whether the change passes, as ``--fail-if`` does.

        Args:
            fail_if: ``"worse"``, ``"different"`` or ``"undecided"``.
            margin: the largest difference that does not matter, in the unit of the records.

        Returns:
            The decision: ``failed``, ``line`` and the ``outcomes`` of the variants.

        Raises:
            InputError: a condition is unknown or missing, or the margin is not a number > 0.
        """
        return decide(self.change, fail_if or ("",), margin)

    @property
    def differing(self) -> dict[str, str]:
        """Other differences in settings, versions and machines, each as ``A → B``."""
        return dict(differing(self.change))

    def write(self, folder: str | PathLike[str] | None = None) -> Path:
        """Write ``compare.html`` and ``compare.md``, and return the path of the page.

        Args:
            folder: to write to; by default beside the report of the first sweep.
        """
        return write_change(
            self.change, output_folder(self.change) if folder is None else Path(folder)
        )

    def __repr__(self) -> str:
        return f"<{self.change.inputs}: {self.sentence}>"

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: the sentence, the table and the other differences."""
        change, table = self.change, change_table(self.change)
        title = f"{change.inputs}; {change.metric}, paired by seed"
        tables = [CardTable(table.columns, table.rows)]
        if others := self.differing:
            rows = [(item, "") for item in others.items()]
            tables.append(CardTable(("other differences", "A → B"), rows, is_text=True))
        return card("Comparison", title, [self.sentence], tables, self.notes)
