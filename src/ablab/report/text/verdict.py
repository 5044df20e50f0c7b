"""The answer in one sentence, in the words that the figures allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablab.report.analysis.find import find
from ablab.report.analysis.findings import Findings
from ablab.report.analysis.trials import Row, first_part
from ablab.report.kinds import kind_of
from ablab.report.text import phrases
from ablab.report.text.blocks import within_blocks
from ablab.tracking.plan import Plan

_ASKED = ("kind", "metric", "goal", "baseline", "margin")


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


def verdict(plan: Plan, rows: Sequence[Row], found: Findings) -> Verdict:
    """Return the verdict of a sweep; at both sizes where the plan was extended.

    Args:
        plan: the plan in force.
        rows: its table.
        found: what these rows have to say.
    """
    settled = sum(row.is_settled for row in rows)
    if settled < len(rows):
        reason = f"No verdict yet, still running: {settled} of {len(rows)} trials are done"
        return Verdict((reason,), is_given=False)
    # Of runs that others made nobody knows that their hyper-parameters were fixed.
    now = answer(found, tuned=bool(plan.spec.tune or plan.spec.foreign))
    if len(plan.parts) == 1:
        return now
    spec, first_rows = plan.parts[0].spec, first_part(plan, rows)
    grown = len(first_rows) < len(rows)
    if not grown and all(getattr(spec, key) == getattr(plan.spec, key) for key in _ASKED):
        return now
    if spec.metric != plan.spec.metric:
        return Verdict((*now.clauses, f"the sweep first asked about {spec.metric}"), now.is_given)
    before = answer(find(first_rows, spec), tuned=bool(spec.tune))
    since = f"was extended from {len(first_rows)} to {len(rows)} trials"
    if not grown:
        since = "asks another question than it did at first"
    extension = f"the sweep {since}, and as first planned it said: {'; '.join(before.clauses)}"
    return Verdict((*now.clauses, extension), now.is_given)


def answer(found: Findings, *, tuned: bool = False) -> Verdict:
    """Return the verdict on findings in which every trial is settled."""
    comparison, contrasts = found.decisive, found.deciding
    reason = _reason_for_none(found)
    if reason:
        told = [
            f"{g.variant} has a mean of {comparison.unit.value(g.mean)} (n = {g.n})"
            for g in comparison.groups.values()
            if g.n
        ]
        return Verdict((reason, *told), is_given=False)
    caveats = phrases.caveats(comparison, contrasts)
    if max(c.n for c in found.family) < 3:
        return Verdict((*phrases.too_few(found), *caveats), is_given=False)
    first, *others = (*kind_of(comparison.kind).clauses(found), *within_blocks(found), *caveats)
    conditions = [] if tuned else ["At fixed hyper-parameters"]
    if found.across:
        over = f"veraged over {len(comparison.blocks)} blocks"
        conditions.append(f"a{over}" if conditions else f"A{over}")
    return Verdict((", ".join([*conditions, first]), *others), is_given=True)


def _reason_for_none(found: Findings) -> str:
    kind = kind_of(found.decisive.kind)
    reason = kind.why_none(found) if found.family or not kind.tests_variants else ""
    return reason or ("" if found.family else "No verdict: there is nothing to compare")
