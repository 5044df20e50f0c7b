"""Variants compared within one block, paired by seed identity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from ablab.report import statistics
from ablab.report.contrast import Contrast, Group
from ablab.report.table import Row
from ablab.report.unit import Unit, unit_of

TESTED = ("versus_baseline", "best")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What one block has to say.

    Attributes:
        groups: by variant, in the plan's order.
        baseline: the variant that the question names as such, or None.
        reference: the variant that the others are held against, or None: for ``best`` the
            leader, otherwise the baseline.
        family: the contrasts that are corrected together; for ``best`` all pairs, otherwise
            those with the reference.
    """

    block: str
    kind: str
    metric: str
    direction: int
    groups: Mapping[str, Group]
    baseline: str | None
    reference: str | None
    family: tuple[Contrast, ...]

    @property
    def unit(self) -> Unit:
        """How the metric is written."""
        return unit_of(self.metric)

    @property
    def against_reference(self) -> dict[str, Contrast]:
        """The contrast of each other variant with the reference, in the order of groups."""
        found = {c.variant: c for c in self.family if c.reference == self.reference}
        return {variant: found[variant] for variant in self.groups if variant in found}


def compare(rows: Iterable[Row], spec: Mapping[str, Any]) -> Comparison:
    """Compare the variants of one block.

    Args:
        rows: the block's rows, in the order of the report.
        spec: the sweep's question as a plan holds it.
    """
    rows = sorted(rows, key=lambda r: r.seed)
    order = [v for v in spec["variants"] if any(r.variant == v for r in rows)]
    groups = {variant: _group(variant, rows) for variant in order}
    kind, direction = spec.get("kind", TESTED[0]), -1 if spec.get("goal") == "min" else 1
    baseline = spec["baseline"] if spec.get("baseline") in groups else None
    if kind == "best":
        ranked = sorted((g for g in groups.values() if g.n), key=lambda g: -g.mean * direction)
        names = [g.variant for g in ranked] + [v for v, g in groups.items() if not g.n]
        pairs, reference = list(combinations(names, 2)), names[0] if ranked else None
    else:
        reference = baseline
        pairs = [(baseline, v) for v in groups if v != baseline] if baseline else []
    family = _corrected([_contrast(groups[b], groups[a], direction) for a, b in pairs])
    block = rows[0].block if rows else ""
    return Comparison(block, kind, spec["metric"], direction, groups, baseline, reference, family)


def _group(variant: str, rows: list[Row]) -> Group:
    own = tuple(row for row in rows if row.variant == variant)
    return Group(variant, own, np.array([r.value for r in own if r.counts], dtype=np.float64))


def _contrast(group: Group, reference: Group, direction: int) -> Contrast:
    theirs = {row.seed: row for row in reference.rows}
    pairs = [(row, theirs[row.seed]) for row in group.rows if row.seed in theirs]
    whole = [(a, b) for a, b in pairs if a.counts and b.counts]
    steady = [pair for pair in whole if not any(r.outcome == "diverged" for r in pair)]
    seeds = {row.seed for row in group.rows} | set(theirs)
    return Contrast(
        group.variant,
        reference.variant,
        np.array([_difference(a, b) for a, b in whole], dtype=np.float64),
        np.array([_difference(a, b) for a, b in steady], dtype=np.float64),
        len(seeds) - len(whole),
        direction,
    )


def _difference(a: Row, b: Row) -> float:
    """Return a minus b; of accuracies on the same images as counts, so that ties are ties."""
    if a.total and a.total == b.total:
        return (round(a.value * a.total) - round(b.value * b.total)) / a.total
    return a.value - b.value


def _corrected(contrasts: list[Contrast]) -> tuple[Contrast, ...]:
    if not contrasts:
        return ()
    p = np.array([float(statistics.paired_p(c.differences)) for c in contrasts])
    flips = statistics.holm(np.array([statistics.sign_flip_p(c.differences) for c in contrasts]))
    adjusted, levels = statistics.holm(p), statistics.holm_levels(p)
    return tuple(
        replace(
            contrast,
            p=float(p[i]),
            p_holm=float(adjusted[i]),
            p_flip=float(flips[i]),
            level=float(levels[i]),
            m=p.size,
        )
        for i, contrast in enumerate(contrasts)
    )
