"""The variant, seed and block of each run, and the runs that are left out."""

import re
from collections.abc import Sequence

from ablab.errors import InputError
from ablab.report.mlflow.nesting import AssignedRun
from ablab.tracking.foreign import ForeignRun

_MAX_LISTED = 5
_MAX_SUPERSEDED = 20
# 3, or 3.0 as pandas writes it; no seed is longer than a 128-bit integer.
_SEED = re.compile(r"[+-]?[0-9]{1,39}(?:\.0*)?")


def assign_runs(
    runs: Sequence[ForeignRun], variant: str, seed: str, block: str, metric: str
) -> list[AssignedRun]:
    """Return the runs that have variant, seed and block, in the order given.

    Args:
        runs: the runs of one experiment.
        variant: the tag or param that holds the variant.
        seed: the tag or param that holds the seed, an integer: ``3`` or ``3.0``.
        block: the tag or param that holds the block, or empty.
        metric: a metric that at least one run must have.

    Raises:
        InputError: no run has one of these; the message lists those that runs have.
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
    assigned = []
    for run in runs:
        if not _reason(run, variant, seed, block):
            value = (run.field(block) or "") if block else ""
            number = int((run.field(seed) or "").strip().partition(".")[0])
            assigned.append(AssignedRun(run.field(variant) or "", number, value, run))
    if not assigned:
        seeds = list(dict.fromkeys(run.field(seed) for run in runs if run.field(seed)))
        got = _listed([str(text)[:40] for text in seeds]) or "none"
        raise InputError(f"runs must have {variant} and a whole number as {seed}, got {got}")
    return assigned


def describe_superseded(
    selected: Sequence[AssignedRun], counted: Sequence[AssignedRun]
) -> list[str]:
    """Return a sentence that names the runs in whose place another run counts."""
    ids = {a.run.run_id for a in counted}
    others = [a.run.name for a in selected if a.run.run_id not in ids]
    if not others:
        return []
    noun = "run" if len(others) == 1 else "runs"
    return [
        f"Not counted: {len(others)} {noun} of a variant, seed and block that have several, of "
        f"which the newest finished one counts: {_listed(others, _MAX_SUPERSEDED)}."
    ]


def describe_left_out(
    runs: Sequence[ForeignRun],
    selected: Sequence[AssignedRun],
    names: tuple[str, str, str],
    level: str,
) -> list[str]:
    """Return a sentence for each reason why runs are not compared, with their names.

    Args:
        runs: the runs of one experiment.
        selected: the runs that are compared.
        names: the tags or params that hold variant, seed and block.
        level: the nested runs that the user chose, or empty.
    """
    ids = {a.run.run_id for a in selected}
    nested = (
        f"as --runs {level} says" if level else "without the metric, which a parent or child has"
    )
    reasons: dict[str, list[str]] = {}
    for run in runs:
        if run.run_id not in ids:
            reasons.setdefault(_reason(run, *names) or nested, []).append(run.name)
    return [
        f"Left out, {reason}: {len(own_names)} of {len(runs)} runs, {_listed(own_names)}."
        for reason, own_names in reasons.items()
    ]


def _reason(run: ForeignRun, variant: str, seed: str, block: str) -> str:
    """Return why a run has no variant, seed or block, or empty."""
    for field in filter(None, (variant, seed, block)):
        if not run.field(field):
            return f"without {field}"
    is_number = _SEED.fullmatch((run.field(seed) or "").strip())
    return "" if is_number else f"with no whole number as {seed}"


def _listed(names: Sequence[str], most: int = _MAX_LISTED) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
