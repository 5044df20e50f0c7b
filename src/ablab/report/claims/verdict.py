"""The verdict on a claim: of one setting, and of two where the first contradicts it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ablab.formatting import join_all
from ablab.report.analysis.trials import Row
from ablab.report.claims.results import CONTRADICTED, NONE, OPEN, SUPPORTED, Result, evaluate
from ablab.tracking.claim import Claim
from ablab.tracking.plan import Plan

PENDING = "no verdict yet"


@dataclass(frozen=True)
class ClaimVerdict:
    """What the trials of one sweep say about its claim.

    Attributes:
        claim: the claim.
        outcome: ``supported``, ``contradicted``, ``not detected``, ``no verdict`` or
            ``no verdict yet``.
        results: of its expectations, in their order; empty before all trials are done.
        note: why there is no verdict yet, or what changed after planning; or empty.
        words: the outcome as it is printed, where a second setting qualifies it; or empty.
    """

    claim: Claim
    outcome: str
    results: tuple[Result, ...] = ()
    note: str = ""
    words: str = ""

    @property
    def headline(self) -> str:
        """The outcome in words."""
        if self.words:
            return self.words
        return "contradicted in this setting" if self.outcome == CONTRADICTED else self.outcome

    @property
    def decisive(self) -> Result | None:
        """The result that the verdict rests on most: the first with its outcome, if any tested."""
        same = [result for result in self.results if result.outcome == self.outcome]
        same.sort(key=lambda result: result.identity is not None)
        return next(iter((*same, *self.results)), None)

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        parts = [f"{r.expectation}: {r.outcome}, {r.numbers}" for r in self.results]
        ends = [self.note] if self.note else []
        return "; ".join([self.headline, *parts, *ends])


def claim_verdict(plan: Plan, rows: Sequence[Row]) -> ClaimVerdict | None:
    """Return the verdict on the claim of a sweep in its own setting; None without a claim.

    Args:
        plan: the plan in force.
        rows: of its trials, with the claim's metrics.
    """
    claim = plan.spec.claim
    if claim is None:
        return None
    done = sum(row.is_settled for row in rows)
    if done < len(rows):
        return ClaimVerdict(claim, PENDING, note=f"{done} of {len(rows)} trials are done")
    results = evaluate(claim, plan.spec, rows)
    first = plan.parts[0].spec.claim
    changed = first is None or first.expects != claim.expects or first.rule != claim.rule
    note = "the expectations were changed after planning" if changed else ""
    return ClaimVerdict(claim, whole(claim.rule, results), results, note)


def whole(rule: str, results: Sequence[Result]) -> str:
    """Return the outcome of the whole claim by the rule of its YAML.

    Args:
        rule: ``all``: supported if all parts are, contradicted if any is; ``any``: the reverse;
            ``first``: as its first part.
        results: of the parts.
    """
    outcomes = [result.outcome for result in results]
    if rule == "first":
        return outcomes[0]
    decided = (SUPPORTED, CONTRADICTED) if rule == "all" else (CONTRADICTED, SUPPORTED)
    if all(outcome == decided[0] for outcome in outcomes):
        return decided[0]
    if decided[1] in outcomes:
        return decided[1]
    return NONE if NONE in outcomes else OPEN


def with_second(
    verdict: ClaimVerdict, second: ClaimVerdict | None, setting: Sequence[str] = ()
) -> ClaimVerdict:
    """Return the verdict in the words that two settings allow.

    A claim is called contradicted only if a second, independent setting contradicts the same part
    of it too.

    Args:
        verdict: of the first setting.
        second: of the second setting; None if it was not run.
        setting: the overrides of the second setting.
    """
    if verdict.outcome != CONTRADICTED:
        return verdict
    # Sizes that are set back to all images say nothing about the setting.
    where = join_all([each for each in setting if not each.endswith("=null")])
    if not setting:
        return replace(verdict, words="contradicted in one setting; no second one is stated")
    if second is None or second.outcome == PENDING:
        return replace(verdict, words="contradicted in one setting, second not yet run")
    pairs = zip(verdict.results, second.results, strict=False)
    if any(a.outcome == b.outcome == CONTRADICTED for a, b in pairs):
        return replace(verdict, words=f"contradicted, also with {where}")
    if second.outcome == CONTRADICTED:
        words = f"contradicted in one setting, and in another part with {where}"
        return replace(verdict, words=words)
    return replace(verdict, words=f"contradicted in one setting, but {second.outcome} with {where}")
