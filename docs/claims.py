"""Writes `claims/index.md` from the claims, the results kept beside it, and what we say of them.

`make docs` runs it. `claims/results.csv` is the `claims.csv` of `ablab claims report`.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from ablab.sweep.claims import SMALL, ClaimSweep, read_claims
from ablab.text import format_count

FOLDER = Path(__file__).parent / "claims"
PAGE = FOLDER / "index.md"
Row = Mapping[str, str]
Rows = Sequence[Row]


def page() -> str:
    """Return the text of the page."""
    rows = results()
    remarks: dict[str, str] = yaml.safe_load((FOLDER / "remarks.yaml").read_text("utf-8"))
    head = (FOLDER / "head.md").read_text("utf-8")
    claims = read_claims()
    sections = "".join(_section(each, rows[each.name], remarks[each.name]) for each in claims)
    return head + _table(claims, rows) + sections


def results() -> dict[str, list[Row]]:
    """Return the rows of each claim, those of its second setting after those of its first."""
    with (FOLDER / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        each.name: [row for row in rows if row["claim"] == each.claim.says]
        for each in read_claims()
    }


def _table(claims: Sequence[ClaimSweep], rows: Mapping[str, Rows]) -> str:
    lines = ["", "| | claim | verdict | n | training |", "| ---: | --- | --- | ---: | ---: |"]
    for each in claims:
        first = rows[each.name][0]
        seeds = first["n"] if first["n"] != "0" else ""
        seconds = f"{float(first['seconds']):,.0f} s" if first["seconds"] else ""
        cells = (each.claim.number, _link(each), first["verdict"], seeds, seconds)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _link(each: ClaimSweep) -> str:
    return f"[{each.claim.says}](#{each.name.replace('_', '-')})"


def _section(each: ClaimSweep, rows: Rows, remark: str) -> str:
    claim = each.claim
    lines = [f"\n({each.name.replace('_', '-')})=\n\n## {claim.number}. {claim.says}\n"]
    lines.append(f"**{rows[0]['verdict'].capitalize()}.** {remark.strip()}\n")
    rule = {"any": "any of these", "first": "the first of these"}.get(claim.rule, "")
    count = format_count(len(claim.expects), "expectation")
    lines.append(f"Supported by {rule or ('all of these' if len(claim.expects) > 1 else count)}:\n")
    lines += [_result(row) for row in rows if row["sweep"] == each.sweep(SMALL)]
    if second := [row for row in rows if row["sweep"] != each.sweep(SMALL)]:
        lines.append(f"\nSecond setting, `{' '.join(claim.second)}`:\n")
        lines += [_result(row) for row in second]
    lines.append(f"\nSource: {claim.source}. Sweep: `{each.name}`.")
    remarks = {"Hyper-parameters": claim.hyperparameters, "Controls": claim.controls}
    lines += [f"\n{name}: {text}." for name, text in remarks.items() if text]
    return "\n".join(lines) + "\n"


def _result(row: Row) -> str:
    words = row["in_words"].removeprefix("'")  # of a sign, which would begin a formula
    return f"- `{row['expected']}`: {row['result']}, {words}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
