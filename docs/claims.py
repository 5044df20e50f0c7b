"""Writes `claims/index.md` from the claims, the results kept beside it, and what we say of them.

`make docs` runs it. With the folder of a lab as an argument it first copies what
`ablab claims report` wrote there about the claims that were run: the rows of `claims.csv` into
`claims/results.csv`, and of the `trials.csv` of each report the first columns, with the key of each
trial, into `claims/plans.csv`. The rows of other claims stay.
"""

import csv
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from ablab.sweep.claims import SMALL, ClaimSweep, read_claims
from ablab.text import format_count

FOLDER = Path(__file__).parent / "claims"
PAGE = FOLDER / "index.md"
PLANNED = ("sweep", "variant", "block", "seed", "key", "outcome", "value")
HEAD = """# The claims

Claims of the notes that ablab was made from, and some of ours, each answered by a sweep that
stated before anything was trained what would support it. [Test a claim](../howto/claims.md)
explains how that is decided. S0 to S4 are the notes: S0 a LeNet-5 written by hand, S1 notes on a
deep-learning textbook, S2 on batch normalization and tuning, S3 the mathematics of a
convolutional network (arXiv:1711.03278), S4 PyTorch and CNN practice. "Ours" are the claims that
these notes do not make.

{run}

p-values are corrected by Holm within a claim, not over the list: with 43 claims expect some false
verdicts. A claim is called *contradicted* only where a second, independent setting contradicts
the same part of it; *not detected* says which difference these seeds would have found in four of
five cases. A verdict holds for networks of this size, trained for this long, on these data;
`size=full` asks the same question on all images.

| file | holds |
| --- | --- |
| [results.csv](results.csv) | each expectation in each setting: difference, interval, p, n |
| [plans.csv](plans.csv) | each trial with its key, which `ablab show` and `ablab reproduce` take |
"""
Row = Mapping[str, str]
Rows = Sequence[Row]


def page() -> str:
    """Return the text of the page."""
    rows = results()
    remarks: dict[str, str] = yaml.safe_load((FOLDER / "remarks.yaml").read_text("utf-8"))
    claims = read_claims()
    sections = "".join(_section(each, rows[each.name], remarks[each.name]) for each in claims)
    return HEAD.format(run=remarks["run"].strip()) + _table(claims, rows) + sections


def results() -> dict[str, list[Row]]:
    """Return the rows of each claim, those of its second setting after those of its first."""
    rows = _read("results.csv")
    return {c.name: [row for row in rows if row["claim"] == c.claim.says] for c in read_claims()}


def plans() -> list[Row]:
    """Return the sweep, variant, block, seed and key of each planned trial."""
    return _read("plans.csv")


def _read(name: str) -> list[Row]:
    return _rows(FOLDER / name)


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _table(claims: Sequence[ClaimSweep], rows: Mapping[str, Rows]) -> str:
    lines = ["", "| | claim | verdict | n | training |", "| ---: | --- | --- | ---: | ---: |"]
    for each in claims:
        first = rows[each.name][0]
        seeds = max((int(row["n"] or 0) for row in rows[each.name]), default=0) or ""
        seconds = f"{float(first['seconds']):,.0f} s" if first["seconds"] else ""
        cells = (each.claim.number, _link(each), first["verdict"], seeds, seconds)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _link(each: ClaimSweep) -> str:
    # the anchor that both GitHub and MyST make of the heading
    anchor = re.sub(r"[^\w\- ]", "", _title(each).lower()).replace(" ", "-")
    return f"[{each.claim.says}](#{anchor})"


def _title(each: ClaimSweep) -> str:
    return f"{each.claim.number}. {each.claim.says}"


def _section(each: ClaimSweep, rows: Rows, remark: str) -> str:
    claim = each.claim
    lines = [f"\n## {_title(each)}\n"]
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


def keep(lab: Path) -> None:
    """Copy the results and the plans of the claims that were run in a lab."""
    found = _rows(lab / "sweeps" / "claims.csv")
    run = {row["number"] for row in found if _trials(lab, row["sweep"]).is_file()}
    kept, rows = _read("results.csv"), [row for row in found if row["number"] in run]
    rows += [row for row in kept if row["number"] not in run]
    stay = {row["sweep"] for row in kept if row["number"] not in run}
    planned = [row for row in plans() if row["sweep"] in stay]
    for sweep in dict.fromkeys(row["sweep"] for row in rows if row["number"] in run):
        planned += [{"sweep": sweep} | row for row in _rows(_trials(lab, sweep))]
    _write("results.csv", list(found[0]), sorted(rows, key=lambda row: int(row["number"])))
    numbers = {row["sweep"]: int(row["number"]) for row in rows}
    _write("plans.csv", PLANNED, sorted(planned, key=lambda row: numbers[row["sweep"]]))


def _trials(lab: Path, sweep: str) -> Path:
    return lab / "sweeps" / sweep / "report" / "trials.csv"


def _write(name: str, columns: Sequence[str], rows: Rows) -> None:
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        keep(Path(sys.argv[1]))
    PAGE.write_text(page(), encoding="utf-8")
