"""Which runs stand for which variant, seed and block, and which are left out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ablab.errors import InputError
from ablab.tracking.foreign import ForeignRun

_LISTED = 5


@dataclass(frozen=True)
class Named:
    """A run and the place that it fills."""

    variant: str
    seed: int
    block: str
    run: ForeignRun


def named(
    runs: Sequence[ForeignRun], variant: str, seed: str, block: str, metric: str
) -> list[Named]:
    """Return the runs that have all their names, in the order given.

    Args:
        runs: of one experiment.
        variant: the tag or the param that names it.
        seed: likewise.
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
            found.append(Named(run.field(variant) or "", int(run.field(seed) or ""), where, run))
    if not found:
        raise InputError(f"runs must have {variant} and a whole number as {seed}, got none")
    return found


def newest(found: Iterable[Named]) -> list[Named]:
    """Return one run a place: the newest finished one, else the newest.

    Args:
        found: oldest first.
    """
    counted: dict[tuple[str, int, str], Named] = {}
    for n in found:
        place = n.variant, n.seed, n.block
        held = counted.get(place)
        if held is None or n.run.status == "FINISHED" or held.run.status != "FINISHED":
            counted[place] = n
    return list(counted.values())


def left_out(
    runs: Sequence[ForeignRun], found: Sequence[Named], variant: str, seed: str, block: str
) -> list[str]:
    """Return a sentence for each reason for which runs are not in the comparison, with names."""
    inside = {n.run.run_id for n in found}
    reasons: dict[str, list[str]] = {}
    for run in runs:
        if run.run_id not in inside:
            reasons.setdefault(_reason(run, variant, seed, block), []).append(run.name)
    return [
        f"Left out, {reason}: {len(names)} of {len(runs)} runs, {_listed(names)}."
        for reason, names in reasons.items()
    ]


def _reason(run: ForeignRun, variant: str, seed: str, block: str) -> str:
    """Return why a run fills no place, or empty."""
    for field in filter(None, (variant, seed, block)):
        if not run.field(field):
            return f"without {field}"
    text = run.field(seed) or ""
    return "" if text.removeprefix("-").isdecimal() else f"with no whole number as {seed}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
