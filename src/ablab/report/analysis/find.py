"""From the rows of a sweep to its findings, by the rules of its kind of question."""

from collections.abc import Sequence
from dataclasses import replace

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.findings import Findings
from ablab.report.analysis.grid import grid_of
from ablab.report.analysis.images import METRIC, Images
from ablab.report.analysis.multiplicity import corrected
from ablab.report.analysis.pairing import group_of, pair
from ablab.report.analysis.trials import Row
from ablab.report.formatting import unit_of
from ablab.report.kinds import kind_of
from ablab.tracking.kinds import needs
from ablab.tracking.spec import Spec


def find(rows: Sequence[Row], spec: Spec) -> Findings:
    """Return what the rows have to say to the question.

    Args:
        rows: in the order of the report.
        spec: the sweep's question as a plan holds it.
    """
    kind = kind_of(spec.kind)
    by_block: dict[str, list[Row]] = {}
    for row in rows:
        by_block.setdefault(row.block, []).append(row)
    blocks = [compare(own, spec) for own in by_block.values()] or [compare(rows, spec)]
    across = compare(rows, spec) if len(blocks) > 1 else None
    if across is not None and kind.tests_variants:
        blocks = _corrected_cells(blocks, across.margin)
    whole = across or blocks[0]
    factors = kind.factors(whole, spec)
    if kind.tests_variants:
        family, deciding = whole.family, tuple(whole.against_reference.values())
    else:
        family = deciding = factors.effects if factors else ()
    return Findings(tuple(blocks), across, factors, family, deciding)


def _corrected_cells(blocks: Sequence[Comparison], margin: float | None) -> list[Comparison]:
    """Correct over all variant × block cells: Holm per block would be false far too often."""
    cells = iter(corrected([c for block in blocks for c in block.family], margin))
    return [replace(b, family=tuple(next(cells) for _ in b.family)) for b in blocks]


def compare(rows: Sequence[Row], spec: Spec) -> Comparison:
    """Compare the variants; over several blocks, their averages within each seed.

    Args:
        rows: those of the blocks, in any order.
        spec: the sweep's question as a plan holds it.
    """
    grid = grid_of(rows, list(spec.variants))
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
    )
