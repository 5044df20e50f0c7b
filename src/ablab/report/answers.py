"""The clauses that answer a question about variants, the answer first."""

from collections.abc import Sequence

from ablab.report import wording
from ablab.report.comparison import Comparison
from ablab.report.contrast import Contrast
from ablab.report.equivalence import Equivalence
from ablab.report.findings import Findings
from ablab.report.unit import Unit, listed, p_value


def versus_baseline(found: Findings) -> list[str]:
    """Return what each variant is against the baseline."""
    comparison = found.decisive
    by, unit, clauses = _sorted(found.deciding), comparison.unit, []
    baseline = f"the baseline {comparison.reference}"
    if by["ahead"]:
        first, *others = by["ahead"]
        clauses.append(f"{first.variant} beats {baseline} by {wording.effect(first, unit)}")
        if others:
            named = [f"{c.variant} by {wording.effect(c, unit)}" for c in others]
            clauses[-1] += f", and so {'does' if len(others) == 1 else 'do'} {listed(named)}"
    if by["behind"]:
        named = [f"{c.variant} by {wording.effect(c, unit)}" for c in by["behind"]]
        clauses.append(f"{baseline} beats {listed(named)}")
    if by["open"]:
        against = "" if clauses else f" from {baseline}"
        ranges = wording.ranges(by["open"], unit)
        clauses.append(f"no difference{against} was detected for {ranges}")
    return clauses + wording.findable(by["open"], unit)


def best(found: Findings) -> list[str]:
    """Return the leader and the variants that are not separated from it."""
    comparison = found.decisive
    by, unit, leader = _sorted(found.deciding), comparison.unit, comparison.reference
    extreme = "highest" if comparison.direction > 0 else "lowest"
    mean = unit.value(comparison.groups[str(leader)].mean)
    chosen = f"{mean}, chosen as the {extreme} of {len(comparison.groups)}"
    clauses = [f"{leader} is best ({chosen})"]
    if by["open"]:
        names = listed([str(leader), *(c.variant for c in by["open"])])
        clauses = [
            f"{names} lead and are not separated: {leader} has the {extreme} mean ({chosen}), and "
            f"no difference to it was detected for {wording.ranges(by['open'], unit)}",
            *wording.findable(by["open"], unit),
        ]
    if by["behind"]:
        named = [f"{c.variant} by {wording.effect(c, unit)}" for c in reversed(by["behind"])]
        clauses.append(f"{leader} beats {listed(named)}")
    return clauses


def _sorted(contrasts: Sequence[Contrast]) -> dict[str, list[Contrast]]:
    """Return the contrasts with the reference by result, the largest difference first."""
    found: dict[str, list[Contrast]] = {"ahead": [], "behind": [], "open": []}
    for contrast in contrasts:
        found[contrast.result].append(contrast)
    for name in ("ahead", "behind"):
        found[name].sort(key=lambda c: -abs(c.mean))
    return found


def equivalence(found: Findings) -> list[str]:
    """Return which variants are equivalent to the baseline, which differ, and what is open."""
    comparison = found.decisive
    unit, margin = comparison.unit, comparison.unit.size(comparison.margin or 0.0)
    baseline, clauses = f"the baseline {comparison.reference}", []
    by: dict[str, list[tuple[Contrast, Equivalence]]] = {}
    for contrast in found.deciding:
        assert contrast.equivalence is not None
        by.setdefault(contrast.equivalence.result, []).append((contrast, contrast.equivalence))
    if equal := by.get("equivalent"):
        named = listed([f"{c.variant} ({_inside(c, e, unit)})" for c, e in equal])
        verb = "is" if len(equal) == 1 else "are"
        clauses.append(f"{named} {verb} equivalent to {baseline} within {margin}")
    for contrast, held in by.get("different", []):
        way = "higher" if contrast.mean > 0 else "lower"
        clauses.append(
            f"{contrast.variant} differs from {baseline} by more than {margin}: it is "
            f"{unit.size(contrast.mean)} {way} ({_outside(contrast, held, unit)})"
        )
    if undecided := by.get("undecided"):
        named = listed([f"{c.variant} ({_inside(c, e, unit)})" for c, e in undecided])
        clauses.append(f"equivalence to {baseline} within {margin} is undecided for {named}")
        clauses += _showable([e for _, e in undecided], unit)
    return clauses


def _inside(contrast: Contrast, held: Equivalence, unit: Unit) -> str:
    if contrast.n < 3:
        return wording.bounds(contrast, unit)
    name = "90 % CI" if contrast.m == 1 else "Holm-adjusted 90 % CI"
    shown = f"{name} {unit.interval(held.step_interval)}{unit.points}"
    if held.step_interval is None:
        shown = wording.bounds(contrast, unit)
    mark = ", unreliable" if contrast.is_unreliable else ""
    if any(contrast.uncounted):
        mark += ", among the trials that count alone"
    return f"{shown}{mark}, Holm p {p_value(held.p_holm)}, n = {contrast.n}"


def _outside(contrast: Contrast, held: Equivalence, unit: Unit) -> str:
    p, interval = f"Holm p {p_value(held.p_different_holm)}", held.outside_interval
    return wording.evidence(contrast, interval, p, unit)


def _showable(held: Sequence[Equivalence], unit: Unit) -> list[str]:
    sizes = wording.span([e.showable for e in held], unit)
    if not sizes:
        return []
    return [f"a margin of about {sizes} would be shown 4 times in 5 were there no difference"]


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
