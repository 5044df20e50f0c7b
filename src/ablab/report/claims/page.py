"""The page of all claims: a row and a picture each, as HTML, Markdown and CSV."""

import math
from collections.abc import Sequence
from pathlib import Path

from ablab.formatting import NONE, format_duration
from ablab.report.claims.answers import NOT_RUN, Answer
from ablab.report.claims.results import Result
from ablab.report.page.figures.claim import claim_figure
from ablab.report.page.filling import fill
from ablab.tracking.csv_text import to_csv
from ablab.tracking.files import write_atomic
from ablab.tracking.lab import Lab

COLUMNS = (
    *("number", "claim", "source", "verdict", "expected", "result", "difference"),
    *("low", "high", "p_holm", "n", "detectable", "in_words", "seconds", "date", "sweep"),
)


def write_claims(lab: Lab, found: Sequence[Answer], size: str) -> Path:
    """Write ``claims.html``, ``.md`` and ``.csv`` beside the index, and return the page's path.

    Args:
        lab: the lab.
        found: the answers.
        size: of the sweeps, the heading.
    """
    folder = lab.root / "sweeps"
    folder.mkdir(parents=True, exist_ok=True)
    for form in ("md", "html"):
        write_atomic(folder / f"claims.{form}", claims_text(found, size, form))
    write_atomic(folder / "claims.csv", to_csv([COLUMNS, *_rows(found)]))
    return folder / "claims.html"


def claims_text(found: Sequence[Answer], size: str, form: str) -> str:
    """Return the page as ``html`` or ``md``."""
    pictures = {
        each.asked.name: claim_figure(each.verdict.results, f"claim-{each.asked.name}")
        for each in found
        if each.verdict is not None and form == "html"
    }
    counts: dict[str, int] = {}
    for each in found:
        counts[each.outcome] = counts.get(each.outcome, 0) + 1
    counted = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    return fill(
        f"claims.{form}.j2",
        answers=found,
        size=size,
        counted=counted,
        pictures=pictures,
        run=[each for each in found if each.outcome != NOT_RUN],
        cost=format_cost,
    )


def format_cost(seconds: float) -> str:
    """Return the time of a claim's training; a dash if it is unknown."""
    return NONE if math.isnan(seconds) else format_duration(seconds)


def _rows(found: Sequence[Answer]) -> list[tuple[object, ...]]:
    """Return a row per expectation and setting; one for a claim without results."""
    rows: list[tuple[object, ...]] = []
    for each in found:
        claim = each.asked.claim
        head = (each.number, claim.says, claim.source, each.outcome)
        tail = (_number(each.seconds), each.date, each.asked.sweep)
        results = each.verdict.results if each.verdict is not None else ()
        rows += [(*head, *_cells(result), *tail) for result in results]
        if not results:
            rows.append((*head, *[""] * 9, *tail))
        if each.second is not None:
            tail = ("", "", each.asked.second)
            rows += [(*head, *_cells(result), *tail) for result in each.second.results]
    return rows


def _cells(result: Result) -> tuple[object, ...]:
    low, high = result.interval or ("", "")
    numbers = (result.effect, low, high, result.p, result.n, result.detectable)
    shown = [_number(x) if isinstance(x, float) else x for x in numbers]
    return (str(result.expectation), result.outcome, *shown, result.numbers)


def _number(x: float) -> float | str:
    return x if math.isfinite(x) else ""
