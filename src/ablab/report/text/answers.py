"""The clauses that answer a question about variants, the answer first."""

from collections.abc import Sequence

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.findings import Findings
from ablab.report.formatting import Unit, listed
from ablab.report.text import phrases


def versus_baseline(found: Findings) -> list[str]:
    """Return what each variant is against the baseline."""
    comparison = found.decisive
    by, unit, clauses = _sorted(found.deciding), comparison.unit, []
    baseline = f"the baseline {comparison.reference}"
    if by["ahead"]:
        first, *others = by["ahead"]
        clauses.append(f"{first.variant} beats {baseline} by {phrases.effect(first, unit)}")
        if others:
            named = [f"{c.variant} by {phrases.effect(c, unit)}" for c in others]
            clauses[-1] += f", and so {'does' if len(others) == 1 else 'do'} {listed(named)}"
    if by["behind"]:
        named = [f"{c.variant} by {phrases.effect(c, unit)}" for c in by["behind"]]
        clauses.append(f"{baseline} beats {listed(named)}")
    if by["open"]:
        against = "" if clauses else f" from {baseline}"
        ranges = phrases.ranges(by["open"], unit)
        clauses.append(f"no difference{against} was detected for {ranges}")
    return clauses + phrases.findable(by["open"], unit) + _untested(by["untested"], unit)


def best(found: Findings) -> list[str]:
    """Return the leader and the variants that are not separated from it."""
    comparison = found.decisive
    by, unit, leader = _sorted(found.deciding), comparison.unit, comparison.reference
    extreme = "highest" if comparison.direction > 0 else "lowest"
    mean = unit.value(comparison.groups[str(leader)].mean)
    chosen = f"{mean}, chosen as the {extreme} of {len(comparison.groups)}"
    has = f"{leader} has the {extreme} mean ({chosen})"
    ranges = f"no difference to it was detected for {phrases.ranges(by['open'], unit)}"
    behind = [f"{c.variant} by {phrases.effect(c, unit)}" for c in reversed(by["behind"])]
    beats = [f"{leader} beats {listed(behind)}"] if behind else []
    findable = phrases.findable(by["open"], unit)
    if by["ahead"]:  # possible where trials are missing: means and pairs are then of other seeds
        named = [f"{c.variant} beats it by {phrases.effect(c, unit)}" for c in by["ahead"]]
        clauses = [f"{has}, but on the seeds that both have {listed(named)}"]
        clauses += [*([ranges] if by["open"] else []), *findable, *beats]
    elif by["open"]:
        verb = "is" if len(by["open"]) == 1 else "are"
        first = f"{listed([c.variant for c in by['open']])} {verb} not separated from the leader"
        among = _among(comparison, [c.variant for c in by["open"]])
        clauses = [f"{first} {leader}", *among, *beats, f"{has}, and {ranges}", *findable]
    else:
        clauses = [f"{leader} is best ({chosen})" if behind else has, *beats]
    return clauses + _untested(by["untested"], unit)


def _among(comparison: Comparison, variants: Sequence[str]) -> list[str]:
    """Return the pairs that are separated among those that are not separated from the leader."""
    found = [c for c in comparison.family if {c.variant, c.reference} <= set(variants)]
    told = []
    for c in sorted(found, key=lambda c: -abs(c.mean)):
        names = {"ahead": (c.variant, c.reference), "behind": (c.reference, c.variant)}
        if c.result in names:
            better, worse = names[c.result]
            told.append(f"{better} beats {worse} by {phrases.effect(c, comparison.unit)}")
    return [f"among these {listed(told)}"] if told else []


def _untested(contrasts: Sequence[Contrast], unit: Unit) -> list[str]:
    if not contrasts:
        return []
    return [f"nothing can be said of {phrases.ranges(contrasts, unit)}"]


def _sorted(contrasts: Sequence[Contrast]) -> dict[str, list[Contrast]]:
    """Return the contrasts with the reference by result, the largest difference first."""
    found: dict[str, list[Contrast]] = {"ahead": [], "behind": [], "open": [], "untested": []}
    for contrast in contrasts:
        found[contrast.result if contrast.n > 2 else "untested"].append(contrast)
    for name in ("ahead", "behind"):
        found[name].sort(key=lambda c: -abs(c.mean))
    return found


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
    if found.across.kind == "factors":
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
