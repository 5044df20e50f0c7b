"""Writes `claims/index.md` from the YAML files of the claims; part of `make docs`."""

from pathlib import Path

from ablab.sweep.claims import ClaimSweep, read_claims
from ablab.text import format_count

PAGE = Path(__file__).parent / "claims" / "index.md"
HEAD = """# The claims

Claims of the notes that ablab was made from, and some of ours. Each is a sweep that states, before
anything is trained, what would support it; [Test a claim](../howto/claims.md) explains how it is
decided and how to run it. S0 to S4 are the notes: S0 a LeNet-5 written by hand, S1 notes on a
deep-learning textbook, S2 on batch normalization and tuning, S3 the mathematics of a convolutional
network (arXiv:1711.03278), S4 PyTorch and CNN practice.

This page has no verdicts: those of your machine are in `lab/sweeps/claims.html` after

    ablab claims run            # all, small size; or some: ablab claims run 1 36
    ablab claims report

This page is made from the YAML files by `python docs/claims.py`.
"""


def page() -> str:
    """Return the text of the page."""
    return HEAD + "".join(map(_section, read_claims()))


def _section(each: ClaimSweep) -> str:
    claim = each.claim
    lines = [f"\n## {claim.number}. {claim.says}\n"]
    lines.append(f"Source: {claim.source}. Sweep: `{each.name}`.\n")
    rule = {"any": "any of these", "first": "the first of these"}.get(claim.rule, "")
    count = format_count(len(claim.expects), "expectation")
    lines.append(f"Supported by {rule or ('all of these' if len(claim.expects) > 1 else count)}:\n")
    lines += [f"- `{expectation}`" for expectation in claim.expects]
    remarks = {"Hyper-parameters": claim.hyperparameters, "Controls": claim.controls}
    lines += [f"\n{name}: {text}." for name, text in remarks.items() if text]
    if claim.second:
        lines.append(f"\nSecond setting: `{' '.join(claim.second)}`.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
