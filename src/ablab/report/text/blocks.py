"""Clauses on several blocks: what they cover, and where a single block differs."""

from collections.abc import Sequence

from ablab.formatting import join_words
from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast

_RELATIONS = {
    "ahead": "better than",
    "behind": "worse than",
    "equivalent": "equivalent to",
    "different": "different from",
}


def within_blocks(analysis: Analysis) -> list[str]:
    """Return the clauses on several blocks; none for a single one.

    That the verdict applies to these blocks only, which variants are not in all of them, and
    which blocks have another result than their average.
    """
    if analysis.across is None:
        return []
    count = len(analysis.across.blocks)
    clauses = [f"the result applies to these {count} blocks only"]
    fewer = [c for c in analysis.main.deciding if len(c.blocks) < count]
    if fewer:
        names = join_words([f"{c.variant} ({len(c.blocks)} of {count})" for c in fewer])
        clauses.append(f"not in all blocks: {names}")
    if not analysis.across.tests_variants:
        return clauses
    other = [text for c in analysis.main.deciding for text in _other_results(c, analysis.blocks)]
    if other:
        cells = sum(len(block.family) for block in analysis.blocks)
        clauses.append(
            f"within single blocks (Holm over all {cells} variant × block cells), "
            f"{join_words(other)}"
        )
    return clauses


def _other_results(contrast: Contrast, blocks: Sequence[Comparison]) -> list[str]:
    """Return each result that single blocks have and their average has not, with the blocks."""
    by_result: dict[str, list[str]] = {}
    for block in blocks:
        result = _result_in(block, contrast)
        if result not in ("open", "undecided", _result(contrast)):
            by_result.setdefault(result, []).append(block.block)
    return [
        f"{contrast.variant} is {_RELATIONS[result]} {contrast.reference} in {join_words(names)}"
        for result, names in by_result.items()
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
