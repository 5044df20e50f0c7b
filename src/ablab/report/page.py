"""The report's page and its Markdown twin, filled from one and the same content."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ablab.report import account, provenance
from ablab.report.analysis import Analysis, analyse
from ablab.report.classical import Classical, classical
from ablab.report.comparison import Comparison
from ablab.report.table import Row
from ablab.report.tables import Table, contrasts_table, variants_table
from ablab.report.verdict import Verdict
from ablab.tracking.baselines import Baselines
from ablab.tracking.plan import Plan

NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Section:
    """What the page shows of one block.

    Attributes:
        number: which block it is, from 0.
        tested: whether a verdict was given, so that its tests may be shown.
        classical: the classical learners on the block's data.
    """

    number: int
    tested: bool
    comparison: Comparison
    variants: Table
    contrasts: Table
    certainty: tuple[str, ...]
    classical: tuple[Classical, ...]

    @property
    def is_unreliable(self) -> bool:
        """Tell whether any interval holds a diverged trial."""
        return any(c.is_unreliable for c in self.comparison.family)

    @cached_property
    def differences(self) -> str:
        """The paired differences as SVG, or empty."""
        from ablab.report.figures.differences import differences_figure

        return differences_figure(self.comparison, f"differences-{self.number}", tested=self.tested)

    @cached_property
    def curves(self) -> str:
        """The learning curves as SVG, or empty."""
        from ablab.report.figures.curves import curves_figure

        return curves_figure(self.comparison, f"curves-{self.number}")


@dataclass(frozen=True)
class Page:
    """The content of a report.

    Attributes:
        plan: the plan in force.
        rows: its table.
        baselines: what the lab knows of classical learners.
        notes: what a reader must know first besides what the trials themselves tell.
    """

    plan: Plan
    rows: tuple[Row, ...]
    baselines: tuple[Baselines, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def analysis(self) -> Analysis:
        """The statistics."""
        return analyse(self.plan, self.rows)

    @property
    def verdict(self) -> Verdict:
        """The answer, or why there is none."""
        return self.analysis.verdict

    @property
    def notices(self) -> list[str]:
        """What a reader must know first."""
        return [*self.notes, *provenance.notices(self.plan, self.rows)]

    @property
    def question(self) -> str:
        """The question as the sweep puts it."""
        return str(self.plan.spec.get("question") or self.plan.sweep)

    @property
    def subtitle(self) -> str:
        """The size of the comparison in a line."""
        spec, rows = self.plan.spec, self.rows
        seeds, blocks = len({r.seed for r in rows}), list(dict.fromkeys(r.block for r in rows))
        where = f" on {blocks[0]}" if len(blocks) == 1 and blocks[0] else ""
        if len(blocks) > 1:
            where = f" × {len(blocks)} blocks"
        better = "lower" if spec.get("goal") == "min" else "higher"
        return (
            f"{len({r.variant for r in rows})} variants × {seeds} seeds{where}; "
            f"{spec['metric']}, {better} is better; trials: {account.counts(rows)}"
        )

    @cached_property
    def sections(self) -> list[Section]:
        """One section a block."""
        spec, timed = self.plan.spec, len(provenance.hardware(self.rows)) < 2
        tested = self.verdict.is_given
        found = []
        for number, comparison in enumerate(self.analysis.blocks):
            rows = [r for r in self.rows if r.block == comparison.block]
            found.append(
                Section(
                    number,
                    tested,
                    comparison,
                    variants_table(comparison, tested=tested, timed=timed),
                    contrasts_table(comparison, tested=tested),
                    tuple(
                        account.certainty(comparison, tested=tested, tuned=bool(spec.get("tune")))
                    ),
                    tuple(classical(self.plan, rows, self.baselines)),
                )
            )
        return found

    def render(self, template: str) -> str:
        """Return the page through a template of this package, named by its file."""
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=template.endswith(".html.j2"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {"md": markdown, "unbroken": unbroken}
        return environment.get_template(template).render(
            page=self,
            notices=self.notices,
            losses=account.losses(self.plan, self.rows),
            provenance=provenance.provenance(self.plan, self.rows),
            glossary=account.GLOSSARY,
        )


def markdown(text: str) -> str:
    r"""Return text so that Markdown shows it as it is, in a table's cell too.

    Example:
        >>> print(markdown("a|b<c> * d_e < 1"))
        a\|b&lt;c> \* d\_e < 1
    """
    text = re.sub(r"<(?=[\w/!?])", "&lt;", text.replace("&", "&amp;"))
    return " ".join(re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", text).split())


def unbroken(text: str) -> str:
    """Return text whose figures stay with their units at a line's end."""
    joints = (
        r"(?<=\d) (?=%)|(?<=Holm|flip) (?=p)|(?<=\bn) (?== )|(?<=\b[np]) (?=[<\d])|(?<=[<=]) (?=\d)"
    )
    return re.sub(joints, NBSP, text)
