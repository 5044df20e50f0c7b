"""Comparing: makes the comparison of one block, or of several, from the rows of its trials."""

from collections.abc import Sequence
from dataclasses import replace

from ablab.formatting import unit_of
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.grid import grid_of, group_of
from ablab.report.analysis.images import METRIC, Images
from ablab.report.analysis.interim import Interim
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.pairing import pair
from ablab.report.analysis.trials import Row
from ablab.report.kinds import kind_of
from ablab.tracking.kinds import needs
from ablab.tracking.spec import Spec


def compare_effects(rows: Sequence[Row], spec: Spec, interim: Interim | None = None) -> Comparison:
    """Compare the variants as `compare` does, with the effects that the kind tests instead."""
    comparison = compare(rows, spec, interim)
    return replace(comparison, factors=kind_of(spec.kind).factors(comparison, spec))


def compare(rows: Sequence[Row], spec: Spec, interim: Interim | None = None) -> Comparison:
    """Compare the variants; over several blocks, their averages within each seed.

    Args:
        rows: the trials of these blocks, in any order.
        spec: the sweep's question as the plan stores it.
        interim: the look that they belong to, if there are several.
    """
    grid = grid_of(rows, list(spec.variants), interim)
    images = Images(grid.rows) if spec.metric == METRIC else None
    groups = {variant: group_of(grid, variant) for variant in grid.variants}
    kind, direction = kind_of(spec.kind), spec.direction
    baseline = spec.baseline if spec.baseline in groups else None
    margin = spec.margin if needs(spec.kind).margin else None
    reference, pairs = kind.pairs(grid, groups, baseline, direction)
    family = tuple(pair(grid, images, b, a, direction) for a, b in pairs)
    return Comparison(
        block=grid.blocks[0] if len(grid.blocks) == 1 else "",
        blocks=grid.blocks,
        kind=spec.kind,
        metric=spec.metric,
        direction=direction,
        groups=groups,
        baseline=baseline,
        reference=reference,
        family=corrected(family, margin) if kind.tests_variants else family,
        margin=margin,
        grid=grid,
        images=images,
        unit=unit_of(spec.metric, spec.unit),
        tests_variants=kind.tests_variants,
    )
