"""Which runs stand for which variant, seed and block, and which are left out."""

import re
from collections.abc import Sequence

from ablab.errors import InputError
from ablab.report.mlflow.nesting import Named
from ablab.tracking.foreign import ForeignRun

_LISTED = 5
_LISTED_TWICE = 20
# 3 and what pandas makes of it, 3.0; no seed is longer than a 128-bit integer.
_SEED = re.compile(r"[+-]?[0-9]{1,39}(?:\.0*)?")


def named(
    runs: Sequence[ForeignRun], variant: str, seed: str, block: str, metric: str
) -> list[Named]:
    """Return the runs that have all their names, in the order given.

    Args:
        runs: of one experiment.
        variant: the tag or the param that names it.
        seed: likewise; a whole number, ``3`` or ``3.0``.
        block: likewise, or empty.
        metric: at least one run must have it.

    Raises:
        InputError: no run has one of these; names what runs have.
    """
    if not runs:
        raise InputError("experiment must hold runs, got none")
    for option, field in (("variant", variant), ("seed", seed), ("block", block)):
        if field and all(run.field(field) is None for run in runs):
            known = {f"tags.{t}" for r in runs for t in r.tags if not t.startswith("mlflow.")}
            known |= {f"params.{name}" for run in runs for name in run.params}
            raise InputError(f"--{option} must be one of {', '.join(sorted(known))}; got {field}")
    if all(metric not in run.metrics for run in runs):
        metrics = sorted({name for run in runs for name in run.metrics})
        raise InputError(f"--metric must be one of {', '.join(metrics)}; got {metric}")
    found = []
    for run in runs:
        if not _reason(run, variant, seed, block):
            where = (run.field(block) or "") if block else ""
            number = int((run.field(seed) or "").strip().partition(".")[0])
            found.append(Named(run.field(variant) or "", number, where, run))
    if not found:
        seeds = list(dict.fromkeys(run.field(seed) for run in runs if run.field(seed)))
        told = _listed([str(text)[:40] for text in seeds]) or "none"
        raise InputError(f"runs must have {variant} and a whole number as {seed}, got {told}")
    return found


def passed_over(found: Sequence[Named], counted: Sequence[Named]) -> list[str]:
    """Return a sentence on the runs whose place another one fills, with their names."""
    inside = {n.run.run_id for n in counted}
    others = [n.run.name for n in found if n.run.run_id not in inside]
    if not others:
        return []
    what = "run" if len(others) == 1 else "runs"
    return [
        f"Passed over: {len(others)} {what} of a variant, seed and block that has several, of "
        f"which the newest finished one counts: {_listed(others, _LISTED_TWICE)}."
    ]


def left_out(
    runs: Sequence[ForeignRun], found: Sequence[Named], names: tuple[str, str, str], level: str
) -> list[str]:
    """Return a sentence for each reason for which runs are not in the comparison, with names.

    Args:
        runs: of one experiment.
        found: those that are.
        names: what names variant, seed and block.
        level: which of nested runs were asked for, or empty.
    """
    inside = {n.run.run_id for n in found}
    nested = f"as --runs {level} says" if level else "without a figure, beside nested ones with one"
    reasons: dict[str, list[str]] = {}
    for run in runs:
        if run.run_id not in inside:
            reasons.setdefault(_reason(run, *names) or nested, []).append(run.name)
    return [
        f"Left out, {reason}: {len(told)} of {len(runs)} runs, {_listed(told)}."
        for reason, told in reasons.items()
    ]


def _reason(run: ForeignRun, variant: str, seed: str, block: str) -> str:
    """Return why a run fills no place, or empty."""
    for field in filter(None, (variant, seed, block)):
        if not run.field(field):
            return f"without {field}"
    is_number = _SEED.fullmatch((run.field(seed) or "").strip())
    return "" if is_number else f"with no whole number as {seed}"


def _listed(names: Sequence[str], most: int = _LISTED) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
