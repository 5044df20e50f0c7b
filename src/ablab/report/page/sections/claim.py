"""The claim that a sweep tests: its expectations, each with its result."""

from ablab.report.claims.results import CONTRADICTED
from ablab.report.claims.verdict import ClaimVerdict, claim_verdict
from ablab.report.page.context import Context
from ablab.report.page.figures.claim import claim_figure
from ablab.report.page.sections.section import Item, Note, Section, TableItem, pictures, undivided
from ablab.report.page.table import Table

NAME, TITLE = "claim", "The claim"
CAPTION = (
    "One row per expectation, on a scale of its own: right of the line is for the claim, left of "
    "it against it. Open dots are the seeds, the solid mark is the mean or, of a spread, its share "
    "of the bound; the bar is the Holm-adjusted interval. A shaded band is the margin of an "
    "equality, which the bar must not leave, or of a difference, which it must be outside of."
)
HOLM = (
    "p-values are corrected by Holm over the expectations of this claim that are tested, not over "
    "the list of claims: of many claims, expect some false verdicts."
)


def section(context: Context) -> Section:
    """Return the section on the claim; without parts for a sweep that tests none."""
    plan = context.analysis.plan
    if plan.is_tuning:
        return undivided(NAME, TITLE, ())
    verdict = claim_verdict(plan, context.analysis.rows)
    return undivided(NAME, TITLE, _items(verdict) if verdict else ())


def _items(verdict: ClaimVerdict) -> list[Item]:
    claim = verdict.claim
    items: list[Item] = [
        Note(f"{claim.says} Source: {claim.source}."),
        Note(f"In this setting: {verdict.outcome}. {_rule(claim.rule)}{_second(verdict)}"),
        *pictures([claim_figure(verdict.results, NAME)], CAPTION),
    ]
    if verdict.results:
        items += [TableItem(results_table(verdict), NAME), Note(HOLM)]
    for result in verdict.results:
        if result.identity is not None:
            identity = result.identity
            text = f"{identity.formula}: relative residual {identity.residual:.1e} in float64"
            items.append(Note(f"{text}; {identity.cost}."))
    remarks = [claim.hyperparameters, claim.controls, verdict.note]
    return items + [Note(f"{remark[0].upper()}{remark[1:]}") for remark in remarks if remark]


def results_table(verdict: ClaimVerdict) -> Table:
    """Return a table with one row per expectation."""
    rows = tuple(((str(r.expectation), r.outcome, r.numbers), "") for r in verdict.results)
    return Table((), ("expected", "result", "difference"), rows)


def _second(verdict: ClaimVerdict) -> str:
    if verdict.outcome != CONTRADICTED:
        return ""
    return " It is called contradicted only if a second, independent setting contradicts it too."


def _rule(rule: str) -> str:
    return {
        "all": "The claim is supported if all expectations are, and contradicted if any is.",
        "any": "The claim is supported if any expectation is, and contradicted if all are.",
        "first": "The first expectation decides.",
    }[rule]
