"""The answers that a lab has to claims: one row per claim."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from ablab.report.analysis.table import read_table
from ablab.report.analysis.trials import TRAINED, Row
from ablab.report.claims.verdict import ClaimVerdict, claim_verdict, with_second
from ablab.tracking.claim import Claim
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan

NOT_RUN = "not run"


@dataclass(frozen=True)
class Asked:
    """A claim, and the sweeps that test it.

    Attributes:
        name: of the sweep's YAML.
        claim: as the YAML states it now.
        sweep: id of the sweep of the size in question.
        second: id of the sweep of the second setting, or empty.
    """

    name: str
    claim: Claim
    sweep: str
    second: str = ""


@dataclass(frozen=True)
class Answer:
    """The answer to a claim.

    Attributes:
        asked: the claim.
        verdict: in the words that both settings allow; None if the sweep was never planned.
        second: the verdict of the second setting, or None.
        rows: the trials of the first setting.
    """

    asked: Asked
    verdict: ClaimVerdict | None = None
    second: ClaimVerdict | None = None
    rows: tuple[Row, ...] = ()

    @property
    def number(self) -> str:
        """Its number, or empty."""
        return str(self.asked.claim.number or "")

    @property
    def outcome(self) -> str:
        """The verdict in words."""
        return NOT_RUN if self.verdict is None else self.verdict.headline

    @property
    def effect(self) -> str:
        """The difference that the verdict rests on most, or why there is none yet."""
        if self.verdict is None:
            return ""
        result = self.verdict.decisive
        return self.verdict.note if result is None else f"{result.expectation}: {result.numbers}"

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return len({row.seed for row in self.rows})

    @property
    def seconds(self) -> float:
        """Seconds of training of all its trials, without evaluation; NaN if unknown."""
        known = [row.seconds[-1] for row in self.rows if row.outcome in TRAINED and row.seconds]
        return sum(known) if known else math.nan

    @property
    def date(self) -> str:
        """The day on which its last trial ended, or empty."""
        times = [row.times[-1] for row in self.rows if row.times]
        return datetime.fromtimestamp(max(times), UTC).date().isoformat() if times else ""

    @property
    def hardware(self) -> str:
        """The machines, versions and commits of its trials, each once."""
        found = dict.fromkeys(_machine(row) for row in self.rows if row.environment)
        return "; ".join(found)

    @property
    def links(self) -> list[tuple[str, str]]:
        """The full reports: text and path relative to the folder of the sweeps."""
        shown = [("report", self.asked.sweep)] if self.verdict is not None else []
        shown += [("second setting", self.asked.second)] if self.second is not None else []
        return [(text, f"{quote(sweep)}/report/report.html") for text, sweep in shown]


def answers(lab: Lab, asked: Iterable[Asked]) -> list[Answer]:
    """Return what the trials of a lab say about claims, in their order.

    Args:
        lab: the lab.
        asked: the claims.
    """
    return [_answer(lab, each) for each in asked]


def _answer(lab: Lab, asked: Asked) -> Answer:
    verdict, rows = _verdict(lab, asked.sweep)
    if verdict is None:
        return Answer(asked)
    second = _verdict(lab, asked.second)[0] if asked.second else None
    qualified = with_second(verdict, second, asked.claim.second)
    return Answer(asked, qualified, second, rows)


def _verdict(lab: Lab, sweep: str) -> tuple[ClaimVerdict | None, tuple[Row, ...]]:
    plan = read_plan(lab.sweep_folder(sweep))
    if plan is None or plan.is_tuning:
        return None, ()
    rows = read_table(lab, plan)
    return claim_verdict(plan, rows), rows


def _machine(row: Row) -> str:
    names = ("gpu", "cpu", "threads", "torch", "ablab", "commit")
    texts = ((name, row.environment.get(name)) for name in names)
    return ", ".join(f"{name} {str(text)[:40]}" for name, text in texts if text)
