"""The answer in one sentence, in the words that the figures allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablab.report import wording
from ablab.report.comparison import TESTED, Comparison, compare
from ablab.report.contrast import Contrast
from ablab.report.table import Row, first_part
from ablab.report.unit import series
from ablab.tracking.plan import Plan


@dataclass(frozen=True)
class Verdict:
    """The answer to the sweep's question.

    Attributes:
        clauses: what the sentence says, the answer first.
        is_given: whether it is an answer, or says why there is none yet.
    """

    clauses: tuple[str, ...]
    is_given: bool

    @property
    def sentence(self) -> str:
        """The clauses as one sentence."""
        return "; ".join(self.clauses) + "."


def verdict(plan: Plan, rows: Sequence[Row]) -> Verdict:
    """Return the verdict of a sweep; at both sizes where the plan was extended.

    Args:
        plan: the plan in force.
        rows: its table.
    """
    reason = _reason_for_none(plan, rows)
    if reason:
        return Verdict((reason,), is_given=False)
    now = answer(compare(rows, plan.spec), tuned=bool(plan.spec.get("tune")))
    first_rows = first_part(plan, rows)
    if len(plan.parts) == 1:
        return now
    spec = plan.parts[0].spec
    before = answer(compare(first_rows, spec), tuned=bool(spec.get("tune")))
    extension = (
        f"the sweep was extended from {len(first_rows)} to {len(rows)} trials, and as first "
        f"planned it said: {'; '.join(before.clauses)}"
    )
    return Verdict((*now.clauses, extension), now.is_given)


def _reason_for_none(plan: Plan, rows: Sequence[Row]) -> str:
    settled = sum(row.is_settled for row in rows)
    if settled < len(rows):
        return f"No verdict yet, still running: {settled} of {len(rows)} trials are done"
    kind = plan.spec.get("kind", TESTED[0])
    if kind not in TESTED:
        return f"No verdict yet: this version does not test questions of the kind '{kind}'"
    blocks = len({row.block for row in rows})
    if blocks > 1:
        return f"No verdict yet: this version does not test across blocks, and there are {blocks}"
    return ""


def answer(comparison: Comparison, *, tuned: bool = False) -> Verdict:
    """Return the verdict of one block in which every trial is settled."""
    if not comparison.family:
        told = [
            f"{g.variant} has a mean of {comparison.unit.value(g.mean)} (n = {g.n})"
            for g in comparison.groups.values()
            if g.n
        ]
        return Verdict(("No verdict: there is nothing to compare", *told), is_given=False)
    if max(c.n for c in comparison.family) < 3:
        return Verdict(wording.too_few(comparison), is_given=False)
    tell = _best if comparison.kind == "best" else _versus_baseline
    first, *others = (*tell(comparison), *wording.caveats(comparison))
    opening = first if tuned else f"At fixed hyper-parameters, {first}"
    return Verdict((opening, *others), is_given=True)


def _sorted(comparison: Comparison) -> dict[str, list[Contrast]]:
    """Return the contrasts with the reference by result, the largest difference first."""
    found: dict[str, list[Contrast]] = {"ahead": [], "behind": [], "open": []}
    for contrast in comparison.against_reference.values():
        found[contrast.result].append(contrast)
    for name in ("ahead", "behind"):
        found[name].sort(key=lambda c: -abs(c.mean))
    return found


def _versus_baseline(comparison: Comparison) -> list[str]:
    by, unit, clauses = _sorted(comparison), comparison.unit, []
    baseline = f"the baseline {comparison.reference}"
    if by["ahead"]:
        first, *others = by["ahead"]
        clauses.append(f"{first.variant} beats {baseline} by {wording.effect(first, unit)}")
        if others:
            named = [f"{c.variant} by {wording.effect(c, unit)}" for c in others]
            clauses[-1] += f", and so {'does' if len(others) == 1 else 'do'} {series(named)}"
    if by["behind"]:
        named = [f"{c.variant} by {wording.effect(c, unit)}" for c in by["behind"]]
        clauses.append(f"{baseline} beats {series(named)}")
    if by["open"]:
        against = "" if clauses else f" from {baseline}"
        ranges = wording.ranges(by["open"], unit)
        clauses.append(f"no difference{against} was detected for {ranges}")
    return clauses + wording.findable(by["open"], unit)


def _best(comparison: Comparison) -> list[str]:
    by, unit, leader = _sorted(comparison), comparison.unit, comparison.reference
    extreme = "highest" if comparison.direction > 0 else "lowest"
    mean = unit.value(comparison.groups[str(leader)].mean)
    chosen = f"{mean}, chosen as the {extreme} of {len(comparison.groups)}"
    clauses = [f"{leader} is best ({chosen})"]
    if by["open"]:
        names = series([str(leader), *(c.variant for c in by["open"])])
        clauses = [
            f"{names} lead and are not separated: {leader} has the {extreme} mean ({chosen}), and "
            f"no difference to it was detected for {wording.ranges(by['open'], unit)}",
            *wording.findable(by["open"], unit),
        ]
    if by["behind"]:
        named = [f"{c.variant} by {wording.effect(c, unit)}" for c in reversed(by["behind"])]
        clauses.append(f"{leader} beats {series(named)}")
    return clauses
