r"""The report's tables for a paper: LaTeX with booktabs, to be included with ``\input``."""

import math
import re
from collections.abc import Callable, Iterable, Sequence

from ablab.formatting import MINUS, NONE, Unit, format_quantity
from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.conditions import why_untimed
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.cost import median_metric
from ablab.report.export.latex_escape import escape
from ablab.report.kinds import kind_of
from ablab.report.markup import visible
from ablab.report.page.contrast_columns import holm_p, seeds_won
from ablab.report.page.page import Page

_COSTS = {
    "parameters": "parameters",
    "flops": "FLOPs",
    "images_per_second": "images/s",
    "epoch_seconds": "s/epoch",
    "peak_bytes": "bytes of memory",
}
_TIMED = ("images_per_second", "epoch_seconds", "peak_bytes")
_Column = tuple[str, Callable[[Contrast], str]]


def latex(page: Page) -> str:
    """Return the verdict and the tables of a report; they need only the package booktabs."""
    analysis = page.analysis
    parts = [
        f"% {visible(' '.join(page.plan.asked.split()))}",
        "% Written by `ablab report`; the preamble of the document needs \\usepackage{booktabs}.",
        *(rf"\par\noindent\emph{{{escape(notice)}}}" for notice in page.notices),
        rf"\par\noindent {escape(page.verdict.sentence)}",
    ]
    tested = analysis.has_verdict
    for number_, comparison in enumerate(analysis.blocks):
        label = f"{_label(page.plan.sweep)}-{number_}"
        wide = len(analysis.blocks) > 1 and tested
        parts.append(_block(comparison, page.plan.asked, label, tested=tested, wide=wide))
        parts.append(_costs(comparison, label, timed=not why_untimed(page.rows)))
    for title, family, unit in _further_families(analysis):
        label = f"{_label(page.plan.sweep)}-{title.split()[0].lower()}"
        parts.append(_contrasts(title, family, unit, label, tested=tested))
    return "\n\n".join(filter(None, parts)) + "\n"


def _further_families(analysis: Analysis) -> Iterable[tuple[str, Sequence[Contrast], Unit]]:
    """Return the contrasts across blocks and the effects of factors, each with a title."""
    unit = analysis.blocks[0].unit if analysis.blocks else None
    if analysis.across and unit:
        yield (
            "Across blocks, first averaged over the blocks within each seed",
            analysis.across.family,
            unit,
        )
    if analysis.factors and unit:
        yield "Effects of two factors", analysis.factors.effects, unit


def _block(comparison: Comparison, question: str, label: str, *, tested: bool, wide: bool) -> str:
    """Return the table of a block's variants; ``wide`` where p is corrected over all blocks."""
    unit, contrasts = comparison.unit, comparison.against_reference
    columns = _columns(list(contrasts.values()), unit, tested=tested) if contrasts else []
    head = ["", "mean", "sd", r"$n$", *(title for title, _ in columns)]
    rows = []
    for variant, group in comparison.groups.items():
        quality = [unit.value(group.mean), unit.bare(group.sd), str(group.n)]
        cells = [form(contrasts[variant]) if variant in contrasts else NONE for _, form in columns]
        rows.append([escape(x) for x in (variant, *quality, *cells)])
    where = f" on {comparison.block}" if comparison.block else ""
    caption = f"{question} {comparison.metric}{where}, means over seeds."
    if contrasts:
        points = f", in{unit.points}," if unit.points else ""
        caption += (
            f" Differences{points} are from {comparison.reference}, paired by seed; each interval "
            "is for one comparison alone."
        )
    if contrasts and wide and kind_of(comparison.kind).tests_variants:
        caption += " p is corrected over all variants and blocks."
    if any(c.is_unreliable for c in contrasts.values()):
        caption += " * Unreliable: a diverged trial counts in this interval."
    return _table(caption, label, head, rows)


def _contrasts(
    caption: str, family: Sequence[Contrast], unit: Unit, label: str, *, tested: bool
) -> str:
    """Return a table with one row per contrast."""
    columns = _columns(family, unit, tested=tested)
    rows = [[_name(c), *(escape(form(c)) for _, form in columns)] for c in family]
    points = f", in{unit.points}" if unit.points else ""
    head = ["", *(title for title, _ in columns)]
    return _table(f"{caption}{points}.", label, head, rows)


def _name(contrast: Contrast) -> str:
    names = [contrast.variant, contrast.reference]
    return escape(f" {MINUS} ".join(filter(None, names)))


def _columns(contrasts: Sequence[Contrast], unit: Unit, *, tested: bool) -> list[_Column]:
    """Return the columns of contrasts, those of tests only if a verdict was given."""
    columns: list[_Column] = [
        ("difference", lambda c: unit.bare(c.mean, signed=True)),
        (r"95\,\% CI", lambda c: unit.interval(c.interval) + ("*" * c.is_unreliable)),
    ]
    if tested and any(c.equivalence for c in contrasts):
        columns += [
            (
                r"Holm-adjusted 90\,\% CI",
                lambda c: unit.interval(c.equivalence.step_interval if c.equivalence else None),
            ),
            ("equivalence", lambda c: c.equivalence.result if c.equivalence else NONE),
        ]
    elif tested:
        columns.append((r"Holm $p$", lambda c: holm_p(c, unit)))
    return [*columns, ("seeds won", lambda c: seeds_won(c, unit))]


def _costs(comparison: Comparison, label: str, *, timed: bool) -> str:
    """Return the table of the cost of each variant; empty if no cost is known."""
    names = [name for name in _COSTS if timed or name not in _TIMED]
    costs = {v: [median_metric(g, name) for name in names] for v, g in comparison.groups.items()}
    if not any(math.isfinite(x) for values in costs.values() for x in values):
        return ""
    rows = [[escape(x) for x in (v, *map(format_quantity, values))] for v, values in costs.items()]
    caption = "Cost of each variant, the median over trials; FLOPs of one image's forward pass."
    return _table(caption, f"{label}-cost", ["", *(_COSTS[name] for name in names)], rows)


def _table(caption: str, label: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a floating table; its cells are LaTeX already, the caption is plain text."""
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\small",
            rf"\caption{{{escape(caption)}}}",
            rf"\label{{tab:{label}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
            r"\toprule",
            " & ".join(head) + r" \\",
            r"\midrule",
            *(" & ".join(row) + r" \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _label(sweep: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", sweep).strip("-")
