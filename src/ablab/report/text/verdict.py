"""The verdict in one sentence, no stronger than the statistics allow."""

from dataclasses import dataclass, replace

from ablab.report.analysis.analysis import Analysis, analyze
from ablab.report.analysis.trials import first_part
from ablab.report.kinds import kind_of
from ablab.report.text import phrases
from ablab.report.text.blocks import within_blocks

_QUESTION = ("kind", "metric", "goal", "baseline", "margin")


@dataclass(frozen=True)
class Verdict:
    """The answer to the sweep's question.

    Attributes:
        clauses: the parts of the sentence, the answer first.
        is_given: whether it is an answer; otherwise it says why there is none yet.
    """

    clauses: tuple[str, ...]
    is_given: bool

    @property
    def sentence(self) -> str:
        """The clauses as one sentence."""
        return "; ".join(self.clauses) + "."


def verdict(plan: Plan, rows: Sequence[Row], found: Findings) -> Verdict:
    """Return the verdict of a sweep, together with the first one where the plan was extended.

    Args:
        plan: the plan in force.
        rows: the table of its trials.
        found: the findings from these rows.
    """
    settled = sum(row.is_settled for row in rows)
    if settled < len(rows):
        reason = f"No verdict yet: {settled} of {len(rows)} trials are done"
        return Verdict((reason,), is_given=False)
    # It is not known whether the hyper-parameters of other MLflow runs were tuned.
    now = answer(found, tuned=bool(plan.spec.tune or plan.spec.foreign))
    if len(plan.parts) == 1:
        return now
    spec, first_rows = plan.parts[0].spec, first_part(plan, rows)
    grown = len(first_rows) < len(rows)
    if not grown and all(getattr(spec, key) == getattr(plan.spec, key) for key in _QUESTION):
        return now
    if spec.metric != plan.spec.metric:
        return Verdict((*now.clauses, f"the sweep first compared {spec.metric}"), now.is_given)
    before = answer(find(first_rows, spec), tuned=bool(spec.tune))
    change = f"the sweep was extended from {len(first_rows)} to {len(rows)} trials"
    if not grown:
        change = "the question was changed after planning"
    extension = f"{change}; as first planned, the verdict was: {'; '.join(before.clauses)}"
    return Verdict((*now.clauses, extension), now.is_given)


def _answer(analysis: Analysis) -> list[str]:
    """Return the clauses on trials that have all finished or failed for good."""
    comparison = analysis.main
    reason = _reason_for_none(analysis)
    if reason:
        means = [
            f"{g.variant} has a mean of {comparison.unit.value(g.mean)} (n = {g.n})"
            for g in comparison.groups.values()
            if g.n
        ]
        return Verdict((reason, *means), is_given=False)
    caveats = phrases.caveats(comparison, contrasts)
    if max(c.n for c in found.family) < 3:
        return Verdict((*phrases.too_few(found), *caveats), is_given=False)
    first, *others = (*kind_of(comparison.kind).clauses(found), *within_blocks(found), *caveats)
    conditions = [] if tuned else ["At fixed hyper-parameters"]
    if found.across:
        over = f"veraged over {len(comparison.blocks)} blocks"
        conditions.append(f"a{over}" if conditions else f"A{over}")
    return [", ".join([*conditions, first]), *others]


def _reason_for_none(found: Findings) -> str:
    """Return why there can be no verdict, whatever the trials' results; empty if there can."""
    kind = kind_of(found.decisive.kind)
    reason = kind.why_none(found) if found.family or not kind.tests_variants else ""
    return reason or ("" if found.family else "No verdict: there is nothing to compare")
