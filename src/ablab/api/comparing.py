"""`ablab.compare`: two sweeps side by side, from Python."""

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
from ablab.report.compare.inputs import read_inputs
from ablab.report.compare.page import change_table, output_folder, write_change
from ablab.report.compare.text import differing, notes, sentence
from ablab.text import shown
from ablab.tracking.lab import Lab

if TYPE_CHECKING:
    from pandas import DataFrame


def compare(
    a: str | SweepResult, b: str | SweepResult, lab: str | PathLike[str] | None = None
) -> "ComparisonResult":
    """Set two sweeps side by side, trial by trial: what changed beyond noise, and what else.

    Args:
        a: a sweep's name, ``LAB:SWEEP`` for that of another lab's, either with ``@COMMIT``
            behind it; or what `ablab.sweep` has returned.
        b: likewise; differences are ``b`` minus ``a``.
        lab: the lab of a name that states none; by default the one of the command line.

    Raises:
        InputError: one of them is not there, or they have different metrics.

    Example:
        >>> compare("demo", "demo [trainer.max_epochs=6]").table  # doctest: +SKIP
    """
    found = Lab(lab_folder() if lab is None else Path(lab))
    return ComparisonResult(Change(*read_inputs(_name(a), _name(b), found)))


def _name(sweep: str | SweepResult) -> str:
    if isinstance(sweep, SweepResult):
        return f"{sweep.lab.root}:{sweep.name}"
    if not isinstance(sweep, str):
        raise InputError(f"sweep must be a name or what ablab.sweep returned, got {shown(sweep)}")
    return sweep


@dataclass(frozen=True)
class ComparisonResult:
    """Two sweeps, paired by variant, block and seed.

    Attributes:
        change: all that the statistics have to say, as objects.
    """

    change: Change

    @property
    def sentence(self) -> str:
        """What changed from A to B, or why that cannot be said."""
        return sentence(self.change)

    @property
    def notes(self) -> list[str]:
        """What a reader must know first."""
        return notes(self.change)

    @cached_property
    def table(self) -> "DataFrame":
        """One row per variant and block that both have.

        Columns ``variant``, ``mean_a``, ``mean_b``, ``difference`` (B minus A), ``ci95_low``,
        ``ci95_high``, ``p_holm``, ``n`` (pairs), ``shared`` (trials that are
        the same run in both). Metrics are as they were recorded: an accuracy is a share.
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

    @property
    def differing(self) -> dict[str, str]:
        """Which settings, versions and machines differ besides, each as ``A → B``."""
        return dict(differing(self.change))

    def write(self, folder: str | PathLike[str] | None = None) -> Path:
        """Write ``compare.html`` and ``compare.md``, and return the page's path.

        Args:
            folder: where; by default beside the first sweep's report.
        """
        return write_change(
            self.change, output_folder(self.change) if folder is None else Path(folder)
        )

    def __repr__(self) -> str:
        return f"<{self.change.inputs}: {self.sentence}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it: the words, the table, what else differs."""
        change, table = self.change, change_table(self.change)
        title = f"{change.inputs}; {change.metric}, paired by seed"
        tables = [CardTable(table.columns, table.rows)]
        if others := self.differing:
            rows = [(item, "") for item in others.items()]
            tables.append(CardTable(("what else differs", "A → B"), rows, is_text=True))
        return card("Comparison", title, [self.sentence], tables, self.notes)
