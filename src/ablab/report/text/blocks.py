"""The clauses on several blocks: where one says otherwise than all together."""

from collections.abc import Sequence

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.findings import Findings
from ablab.report.formatting import listed
from ablab.report.kinds import kind_of


def within_blocks(found: Findings) -> list[str]:
    """Return what several blocks are told apart by: where one says otherwise than all together.

    Also that the answer speaks of these blocks only, and which variants are not in all of them.
    """
    if found.across is None:
        return []
    names = found.across.blocks
    clauses = [f"it speaks of these {len(names)} blocks only"]
    fewer = [c for c in found.deciding if len(c.blocks) < len(names)]
    if fewer:
        told = listed([f"{c.variant} over {len(c.blocks)}" for c in fewer])
        clauses.append(f"not every variant is in all of them: {told}")
    if not kind_of(found.across.kind).tests_variants:
        return clauses
    other = [told for c in found.deciding for told in _otherwise(c, found.blocks)]
    if other:
        cells = sum(len(block.family) for block in found.blocks)
        clauses.append(
            f"within single blocks (Holm over all {cells} variant × block cells) {listed(other)}"
        )
    return clauses


def _otherwise(contrast: Contrast, blocks: Sequence[Comparison]) -> list[str]:
    told: dict[str, list[str]] = {}
    for block in blocks:
        result = _result_in(block, contrast)
        if result not in ("open", "undecided", _result(contrast)):
            told.setdefault(result, []).append(block.block)
    words = {"ahead": "ahead of", "equivalent": "equivalent to", "different": "different from"}
    variant, reference = contrast.variant, contrast.reference
    return [
        f"{variant} is {words.get(result, result)} {reference} in {listed(places)}"
        for result, places in told.items()
    ]


def _result(contrast: Contrast) -> str:
    return contrast.equivalence.result if contrast.equivalence else contrast.result


def _result_in(block: Comparison, contrast: Contrast) -> str:
    """Return the block's own result on the same pair of variants."""
    flipped = {"ahead": "behind", "behind": "ahead"}
    for own in block.family:
        if (own.variant, own.reference) == (contrast.variant, contrast.reference):
            return _result(own)
        if (own.reference, own.variant) == (contrast.variant, contrast.reference):
            return flipped.get(_result(own), _result(own))
    return "open"
