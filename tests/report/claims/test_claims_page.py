"""The answers of a lab to claims, and their page in three forms."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from labwriter import LabWriter

from ablab.report.claims.answers import Asked, answers
from ablab.report.claims.page import write_claims
from ablab.tracking.claim import Claim, read_claim

LOWER = {"expect": "lower", "metric": "test/accuracy", "of": "elu", "than": "relu"}
HIGHER = {**LOWER, "expect": "higher"}


def claim(*expects: dict[str, Any], **more: Any) -> dict[str, Any]:
    own = {"says": "ELU <b> | is so.", "source": "S4", "expects": list(expects), "number": 7}
    return {**own, **more}


def asked(content: dict[str, Any], sweep: str, second: str = "") -> Asked:
    return Asked("elu_is_so", read_claim(content), sweep, second)


@pytest.fixture
def lab(writer: LabWriter, realistic: dict[str, list[float]]) -> LabWriter:
    wrong = claim(LOWER, second=["dataset=digits"])
    writer.sweep(realistic, name="right", claim=claim(HIGHER))
    writer.sweep(realistic, name="wrong", claim=wrong)
    writer.sweep(realistic, name="wrong [dataset=digits]", block="digits", claim=wrong)
    return writer


def test_each_claim_has_verdict_effect_cost_and_date(lab: LabWriter) -> None:
    right, wrong, both, never = answers(
        lab.lab,
        [
            asked(claim(HIGHER), "right"),
            asked(claim(LOWER, second=["dataset=digits"]), "wrong", "wrong [dataset=fashion]"),
            asked(claim(LOWER, second=["dataset=digits"]), "wrong", "wrong [dataset=digits]"),
            asked(claim(HIGHER), "never"),
        ],
    )
    assert right.outcome == "supported"
    assert right.effect.startswith("test/accuracy: elu higher than relu: +0.1")
    assert (right.number, right.seeds, right.date) == ("7", 5, "2026-09-21")
    assert right.links == [("report", "right/report/report.html")]
    assert "torch 2.13.0" in right.hardware
    assert "commit 0123abc" in right.hardware
    assert wrong.outcome == "contradicted in one setting, second not yet run"
    assert both.outcome == "contradicted, also with dataset=digits"
    assert both.links[1] == ("second setting", "wrong%20%5Bdataset%3Ddigits%5D/report/report.html")
    assert (never.outcome, never.effect, never.links) == ("not run", "", [])


def test_the_page_has_a_row_and_a_picture_for_each_claim(lab: LabWriter) -> None:
    found = answers(
        lab.lab,
        [
            asked(claim(HIGHER), "right"),
            replace(asked(claim(HIGHER), "never"), name="never"),
            replace(
                asked(claim(LOWER, second=["dataset=digits"]), "wrong", "wrong [dataset=digits]"),
                name="wrong",
            ),
        ],
    )
    path = write_claims(lab.lab, found, "small")
    html = path.read_text("utf-8")
    assert html.count("<svg ") == 2
    assert "ELU &lt;b&gt; | is so." in html
    assert "<b>" not in html
    assert 'href="right/report/report.html"' in html
    assert "Not run: <code>ablab claims run 7</code>" in html
    markdown = path.with_suffix(".md").read_text("utf-8")
    assert "1 supported, 1 not run, 1 contradicted, also with dataset=digits" in markdown
    assert markdown.count("\n| 7 |") == 3
    assert "[report](right/report/report.html)" in markdown
    rows = list(csv.DictReader(io.StringIO(path.with_suffix(".csv").read_text("utf-8"))))
    assert [row["verdict"] for row in rows] == [each.outcome for each in (*found, found[2])]
    assert [row["sweep"] for row in rows[2:]] == ["wrong", "wrong [dataset=digits]"]
    assert all(row["result"] == "contradicted" for row in rows[2:])
    in_words = rows[0]["in_words"].removeprefix("'")  # of a sign, which would begin a formula
    assert f"{rows[0]['expected']}: {in_words}" == found[0].effect
    assert float(rows[0]["low"]) < float(rows[0]["difference"]) < float(rows[0]["high"])
    assert rows[1]["result"] == ""


def test_the_same_records_give_the_same_bytes(lab: LabWriter) -> None:
    def written() -> bytes:
        found = answers(lab.lab, [asked(claim(HIGHER), "right")])
        return write_claims(lab.lab, found, "small").read_bytes()

    assert written() == written()


def test_a_sweep_that_is_not_done_has_no_verdict_yet(
    writer: LabWriter, realistic: dict[str, list[Any]]
) -> None:
    realistic["elu"][2] = None
    writer.sweep(realistic, name="half", claim=claim(HIGHER))
    (half,) = answers(writer.lab, [asked(claim(HIGHER), "half")])
    assert half.outcome == "no verdict yet"
    assert half.effect == "29 of 30 trials are done"
    path: Path = write_claims(writer.lab, [half], "full")
    assert "29 of 30 trials are done" in path.read_text("utf-8")
    assert isinstance(half.asked.claim, Claim)
