"""The verdict: the answer in one sentence, or the reason why there is none yet."""

from dataclasses import dataclass, replace

from ablab.report.analysis.analysis import Analysis, analyze
from ablab.report.analysis.trials import first_part
from ablab.report.kinds import kind_of
from ablab.report.text import looks, phrases
from ablab.report.text.blocks import within_blocks
from ablab.report.text.tuning import fixed_clause, search_clauses
from ablab.tracking.tuning import tuned_with

_QUESTION = ("kind", "metric", "goal", "baseline", "margin")


@dataclass(frozen=True)
class Verdict:
    """The answer to the sweep's question.

    Attributes:
        clauses: the clauses of the sentence, the answer first.
        is_given: whether it is an answer, rather than the reason why there is none yet.
    """

    clauses: tuple[str, ...]
    is_given: bool

    @property
    def sentence(self) -> str:
        """The clauses as one sentence."""
        return "; ".join(self.clauses) + "."


def verdict(analysis: Analysis, fixed: Analysis | None = None) -> Verdict:
    """Return the verdict of a sweep; at both sizes if the plan was extended.

    Args:
        analysis: of the sweep.
        fixed: of the same comparison at fixed hyper-parameters, if there is one.
    """
    if analysis.plan.is_tuning:
        clauses, is_given = search_clauses(analysis)
        return Verdict(tuple(clauses), is_given)
    clauses = _clauses(analysis)
    if fixed is not None and analysis.has_verdict:
        clauses.append(fixed_clause(_answer(fixed)[0], fixed.plan.sweep))
    return Verdict(tuple(clauses), analysis.has_verdict)


def _why_not_yet(analysis: Analysis) -> str:
    """Return why further trials must end before there can be a verdict, or an empty string."""
    settled = sum(row.is_settled for row in analysis.rows)
    if settled < len(analysis.rows):
        return f"No verdict yet: {settled} of {len(analysis.rows)} trials are done"
    if analysis.progress and not analysis.progress.is_over:
        return looks.another(analysis.progress)
    return ""


def _clauses(analysis: Analysis) -> list[str]:
    plan, rows = analysis.plan, analysis.rows
    if reason := _why_not_yet(analysis):
        return [reason]
    now = _answer(analysis)
    if len(plan.parts) == 1 or analysis.progress:
        return now
    spec, first_rows = plan.parts[0].spec, first_part(plan, rows)
    grown = len(first_rows) < len(rows)
    if not grown and all(getattr(spec, key) == getattr(plan.spec, key) for key in _QUESTION):
        return now
    if spec.metric != plan.spec.metric:
        return [*now, f"the sweep first compared {spec.metric}"]
    before = _answer(analyze(replace(plan, parts=plan.parts[:1]), first_rows))
    change = f"the sweep was extended from {len(first_rows)} to {len(rows)} trials"
    if not grown:
        change = "the question was changed after planning"
    return [*now, f"{change}; as first planned, the verdict was: {'; '.join(before)}"]


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
        return [reason, *means]
    caveats = phrases.caveats(comparison, comparison.deciding)
    if not analysis.has_verdict:
        return [*phrases.too_few(comparison), *caveats]
    clauses = kind_of(comparison.kind).clauses(comparison)
    decided = looks.decisions(analysis.progress, comparison) if analysis.progress else []
    first, *others = (*clauses, *decided, *within_blocks(analysis), *caveats)
    spec = analysis.plan.spec
    # Whether the hyper-parameters of others' MLflow runs were fixed is unknown.
    conditions = [] if spec.foreign else [tuned_with(spec.tune) or "At fixed hyper-parameters"]
    if analysis.across:
        over = f"veraged over {len(comparison.blocks)} blocks"
        conditions.append(f"a{over}" if conditions else f"A{over}")
    return [", ".join([*conditions, first]), *others]


def _reason_for_none(analysis: Analysis) -> str:
    """Return why the kind of question cannot be answered from any number of seeds, or empty."""
    comparison = analysis.main
    kind = kind_of(comparison.kind)
    tested = comparison.tested
    reason = kind.why_none(comparison) if tested or not comparison.tests_variants else ""
    return reason or ("" if tested else "No verdict: there is nothing to compare")
