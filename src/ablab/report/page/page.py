"""The report's page and its Markdown twin, filled from one and the same content."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property

from ablab.report.analysis.analysis import Analysis, analyse
from ablab.report.analysis.trials import Row
from ablab.report.page.context import Context
from ablab.report.page.figures.canvas import Svg
from ablab.report.page.filling import TEMPLATES, fill
from ablab.report.page.sections import (
    blocks,
    closing,
    cost,
    curves,
    differences,
    factors,
    inside,
    setup,
    speed,
    variants,
)
from ablab.report.page.sections.chapter import Chapter, Picture
from ablab.report.text import glossary, limitations, provenance
from ablab.report.text.verdict import Verdict
from ablab.tracking.baselines import Baselines
from ablab.tracking.plan import Plan

CHAPTERS = (
    differences.chapter,
    variants.chapter,
    setup.chapter,
    curves.chapter,
    speed.chapter,
    cost.chapter,
    closing.tuning,
    factors.chapter,
    blocks.chapter,
    inside.chapter,
    closing.failures,
    closing.reliability,
)


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
        return [*self.notes, *provenance.notices(self.plan, self.analysis.rows)]

    @property
    def question(self) -> str:
        """The question as the sweep puts it."""
        return self.plan.question

    @property
    def asked_with(self) -> str:
        """What beside the question was set, so that it may not be what was asked; or empty."""
        return self.plan.asked_with

    @property
    def source(self) -> str:
        """What the report is of: a sweep's name, or others' runs."""
        if self.plan.spec.foreign:
            return f"runs of the MLflow experiment {self.plan.sweep}"
        return f"the sweep {self.plan.sweep}"

    @property
    def subtitle(self) -> str:
        """The size of the comparison in a line."""
        spec, rows = self.plan.spec, self.analysis.rows
        seeds, places = len({r.seed for r in rows}), list(dict.fromkeys(r.block for r in rows))
        where = f" on {places[0]}" if len(places) == 1 and places[0] else ""
        if len(places) > 1:
            where = f" × {len(places)} blocks"
        better = "lower" if spec.direction < 0 else "higher"
        return (
            f"{len({r.variant for r in rows})} variants × {seeds} seeds{where}; "
            f"{spec.metric}, {better} is better; "
            f"{'runs' if spec.foreign else 'trials'}: {limitations.counts(rows)}"
        )

    @cached_property
    def chapters(self) -> list[Chapter]:
        """What there is to show, in the reader's order."""
        context = Context(self.analysis, self.baselines)
        return [chapter for make in CHAPTERS if (chapter := make(context)).parts]

    @property
    def pictures(self) -> list[Svg]:
        """Every picture, in the reader's order."""
        items = (item for c in self.chapters for part in c.parts for item in part.items)
        found = (svg for item in items if isinstance(item, Picture) for svg in item.figures)
        return [svg for svg in found if isinstance(svg, Svg)]

    @property
    def glossary(self) -> dict[str, str]:
        """The words of the glossary that the page uses."""
        items = (item for c in self.chapters for part in c.parts for item in part.items)
        text = " ".join([self.verdict.sentence, *(item.words for item in items)])
        return glossary.used(text, foreign=self.plan.spec.foreign)

    def render(self, template: str) -> str:
        """Return the page through a template of this package, named by its file."""
        filters = {
            "explained": glossary.explained,
            "titled": glossary.titled,
            "anchor": glossary.anchor,
        }
        script = (TEMPLATES / "report.js").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        return fill(
            template,
            filters,
            page=self,
            script=script,
            script_hash=f"sha256-{digest}",
            provenance=provenance.provenance(self.plan, self.analysis.rows),
        )
