"""The content of a report, from which the HTML page and the Markdown file are rendered."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property

from ablab.report.analysis.analysis import Analysis, analyze
from ablab.report.analysis.table import read_table
from ablab.report.analysis.trials import Row
from ablab.report.analysis.tuning import fixed_twin
from ablab.report.page.context import Context
from ablab.report.page.figures.svg import Svg
from ablab.report.page.filling import TEMPLATES, fill
from ablab.report.page.sections import (
    blocks,
    claim,
    closing,
    cost,
    curves,
    differences,
    factors,
    inside,
    looks,
    pictures,
    setup,
    speed,
    tuning,
    variants,
)
from ablab.report.page.sections.section import Picture, Section
from ablab.report.text import glossary, limitations, provenance
from ablab.report.text.verdict import Verdict, verdict
from ablab.tracking.baselines import Baselines, read_baselines
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan

SECTIONS = (
    claim.section,
    differences.section,
    looks.section,
    variants.section,
    setup.section,
    curves.section,
    speed.section,
    cost.section,
    tuning.section,
    factors.section,
    blocks.section,
    inside.section,
    pictures.section,
    closing.incomplete_trials,
    closing.reliability,
)


@dataclass(frozen=True)
class Page:
    """The content of a report.

    Attributes:
        plan: the plan in force.
        rows: the table of its trials.
        baselines: the results of scikit-learn baselines in the lab.
        notes: notices that do not follow from the trials.
        home: the link to the index of the site that the page belongs to, or empty.
        fixed: the same comparison at fixed hyper-parameters, if there is one.
    """

    plan: Plan
    rows: tuple[Row, ...]
    baselines: tuple[Baselines, ...] = ()
    notes: tuple[str, ...] = ()
    home: str = ""
    fixed: Analysis | None = None

    @cached_property
    def analysis(self) -> Analysis:
        """The statistics."""
        return analyze(self.plan, self.rows)

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict, or why there is none yet."""
        return verdict(self.analysis, self.fixed)

    @property
    def is_complete(self) -> bool:
        """Whether every planned trial has ended for good, and no further look is needed."""
        if self.plan.is_tuning:
            return self.verdict.is_given
        return self.analysis.is_complete

    @cached_property
    def notices(self) -> list[str]:
        """Warnings at the top of the page."""
        return [*self.notes, *provenance.notices(self.plan, self.analysis.rows)]

    @cached_property
    def provenance(self) -> list[tuple[str, str]]:
        """Commands, times, versions and machines as label and value."""
        return provenance.provenance(self.plan, self.analysis.rows)

    @property
    def question(self) -> str:
        """The question as the sweep states it."""
        return self.plan.question

    @property
    def asked_with(self) -> str:
        """The overrides that changed the trials, so that the question may not fit; or empty."""
        return self.plan.asked_with

    @property
    def source(self) -> str:
        """The subject of the report: a sweep, or the runs of an MLflow experiment."""
        if self.plan.spec.foreign:
            return f"runs of the MLflow experiment {self.plan.sweep}"
        return f"the sweep {self.plan.sweep}"

    @property
    def subtitle(self) -> str:
        """The size of the comparison in one line."""
        spec, rows = self.plan.spec, self.analysis.rows
        if self.plan.is_tuning:
            return f"a search by {spec.tune['metric']}; nothing is compared"
        seeds, blocks = len({r.seed for r in rows}), list(dict.fromkeys(r.block for r in rows))
        where = f" on {blocks[0]}" if len(blocks) == 1 and blocks[0] else ""
        if len(blocks) > 1:
            where = f" × {len(blocks)} blocks"
        better = "lower" if spec.direction < 0 else "higher"
        return (
            f"{len({r.variant for r in rows})} variants × {seeds} seeds{where}; "
            f"{spec.metric}, {better} is better; "
            f"{'runs' if spec.foreign else 'trials'}: {limitations.count_outcomes(rows)}"
        )

    @cached_property
    def sections(self) -> list[Section]:
        """The sections that have content, in the order of `SECTIONS`."""
        fixed = "" if self.fixed is None else verdict(self.fixed).sentence
        context = Context(self.analysis, self.baselines, fixed)
        return [section for make in SECTIONS if (section := make(context)).parts]

    @property
    def pictures(self) -> list[Svg]:
        """All figures, in the order of the page."""
        items = (item for section in self.sections for part in section.parts for item in part.items)
        figures = (svg for item in items if isinstance(item, Picture) for svg in item.figures)
        return [svg for svg in figures if isinstance(svg, Svg)]

    @property
    def glossary(self) -> dict[str, str]:
        """The terms of the glossary that the page uses, with their definitions."""
        items = (item for section in self.sections for part in section.parts for item in part.items)
        text = " ".join([self.verdict.sentence, *(item.glossary_text for item in items)])
        return glossary.terms_in(text, foreign=self.plan.spec.foreign)

    def render(self, template: str) -> str:
        """Return the page rendered with a template of this package.

        Args:
            template: its file name.
        """
        filters = {
            "link_terms": glossary.link_terms,
            "column_title": glossary.column_title,
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
            provenance=self.provenance,
        )


def page_of(lab: Lab, plan: Plan) -> Page:
    """Return the content of a sweep's report on its trials so far."""
    baselines = tuple(read_baselines(lab.root))
    return Page(plan, read_table(lab, plan), baselines, fixed=fixed_twin(lab, plan))
