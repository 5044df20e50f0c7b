"""The report as one JSON document."""

import json
from collections.abc import Mapping
from typing import Any

from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.tuning import tuned
from ablab.report.export import tidy
from ablab.report.page.page import Page
from ablab.report.text import limitations
from ablab.report.text.verdict import verdict
from ablab.tracking.tuning import CHOSEN

SCHEMA = 1


def document(page: Page) -> dict[str, Any]:
    """Return the content of the report for JSON; docs/report_columns.md documents it."""
    analysis, plan, verdict = page.analysis, page.plan, page.verdict
    return {
        "schema": SCHEMA,
        "sweep": plan.sweep,
        "question": page.question,
        "asked_with": page.asked_with,
        "kind": plan.spec.kind,
        "metric": plan.spec.metric,
        "goal": plan.spec.goal,
        "complete": page.is_complete,
        "verdict": {
            "sentence": verdict.sentence,
            "clauses": list(verdict.clauses),
            "is_given": verdict.is_given,
        },
        "notices": page.notices,
        "setup": analysis.setup.as_dict(),
        "variants": tidy.variants(analysis),
        "contrasts": tidy.contrasts(analysis),
        "speed": tidy.speed(analysis),
        "ranks": _ranks(analysis),
        "tuning": _tuning(page),
        "losses": limitations.incomplete_trials(plan, analysis.rows),
        "provenance": [{"fact": label, "value": value} for label, value in page.provenance],
        "trials": tidy.trials(analysis),
    }


def to_json(content: dict[str, Any]) -> str:
    """Return a document as text, with one line per entry of a list."""
    parts = []
    for name, value in content.items():
        if isinstance(value, list) and value:
            lines = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in value)
            text = f"[\n  {lines}\n ]"
        else:
            text = json.dumps(value, ensure_ascii=False)
        parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _tuning(page: Page) -> dict[str, Any] | None:
    """Return how hyper-parameters were tuned, None if they were not."""
    plan, fixed = page.plan, page.fixed
    if not isinstance(plan.spec.tune, Mapping):
        return None
    twin = fixed and {"sweep": fixed.plan.sweep, "verdict": verdict(fixed).sentence}
    how = {key: value for key, value in plan.spec.tune.items() if key != CHOSEN}
    return {**how, "searches": [each.as_dict() for each in tuned(plan)], "fixed": twin}


def _ranks(analysis: Analysis) -> dict[str, Any] | None:
    ranks = analysis.ranks
    return None if ranks is None else {**vars(ranks), "means": dict(ranks.means)}
