"""The report's account of itself: what is missing, how sure it is, and what its words mean."""

from collections.abc import Sequence

from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.trials import Row
from ablab.report.formatting import listed
from ablab.report.kinds import kind_of
from ablab.report.text.phrases import caveats
from ablab.stats.paired import bound_of_none
from ablab.tracking.plan import Plan


def incomplete_trials(plan: Plan, rows: Sequence[Row]) -> list[str]:
    """Return every trial and cell that is not simply finished, with the reason."""
    several = len({row.block for row in rows}) > 1
    told = [
        f"{_name(row, several)}: {row.outcome}{_because(row.reason)}" for row in _not_simple(rows)
    ]
    for part in plan.parts:
        for left_out in part.excluded:
            place = " · ".join(filter(None, (left_out.get("variant"), left_out.get("block"))))
            told.append(f"{place}: excluded by the sweep{_because(left_out.get('reason', ''))}")
    return told


def counts(rows: Sequence[Row]) -> str:
    """Return how the trials ended: ``28 finished, 1 diverged, 1 failed``."""
    outcomes = [row.outcome for row in rows]
    return ", ".join(f"{outcomes.count(o)} {o}" for o in dict.fromkeys(sorted(outcomes)))


def _not_simple(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.outcome != "finished" or row.reason]


def _name(row: Row, several: bool) -> str:
    block = f" · {row.block}" if several else ""
    return f"{row.variant} · seed {row.seed}{block}"


def _because(reason: str) -> str:
    return f" ({reason.removeprefix('diverged; ')})" if reason else ""


def reliability(
    comparison: Comparison,
    effects: Sequence[Contrast] = (),
    *,
    tested: bool,
    tuned: bool,
    foreign: bool = False,
) -> list[str]:
    """Return what the figures cover, what they could have shown, and what they cannot.

    Args:
        comparison: the block's, or over several.
        effects: those of two factors, which are then what is tested.
        tested: whether a verdict was given.
        tuned: whether each variant was.
        foreign: whether others than ablab made the trials, so that it knows little of them.
    """
    told = [
        "Variants are paired by seed: trials that share one share split, order of images and, "
        "where shapes agree, initial weights.",
        _covers(comparison),
    ]
    if foreign:
        told = [
            "Variants are paired by seed; what runs that share one have in common is not known.",
            "Intervals cover what differed from seed to seed in these runs; they do not cover the "
            "drawing of new data. Each is for itself alone.",
        ]
    told += dict.fromkeys(n for g in comparison.groups.values() for r in g.rows for n in r.notes)
    if len(comparison.blocks) > 1:
        told.append(
            f"Differences are averaged over the {len(comparison.blocks)} blocks within each seed "
            "first, so n counts seeds; the answer speaks of these blocks only."
        )
    if tested:
        told += kind_of(comparison.kind).tests(comparison, effects or comparison.family)
    if not foreign:  # MLflow does not tell what diverged
        told += _diverged(comparison)
    contrasts = effects or tuple(comparison.against_reference.values())
    told += [clause[0].upper() + clause[1:] + "." for clause in caveats(comparison, contrasts)]
    if not tuned and not foreign:
        told.append("Hyper-parameters are fixed: no variant was tuned, so this compares settings.")
    return told


def _covers(comparison: Comparison) -> str:
    totals = {r.total for g in comparison.groups.values() for r in g.rows if r.total}
    images = f" of {totals.pop():,} images" if len(totals) == 1 else ""
    split = comparison.metric.partition("/")[0]
    where = {"val": "validation", "train": "training"}.get(split, split)
    wider = f"they do not cover the drawing of new {where} images"
    if any(c.images_interval for c in comparison.against_reference.values()):
        wider += ", which the second ones beside them do"
    return (
        "Intervals cover the trial's seed (split, order, initial weights) on this "
        f"{where} set{images}; {wider}. Each is for itself alone."
    )


def _diverged(comparison: Comparison) -> list[str]:
    steady = {
        group.variant: group.count("finished")
        for group in comparison.groups.values()
        if group.count("finished") and not group.count("diverged")
    }
    told = []
    for n in sorted(set(steady.values()), reverse=True):
        names = listed([variant for variant, trained in steady.items() if trained == n])
        bound = f"{100 * bound_of_none(n):.0f} %"
        told.append(
            f"0 of {n} trials diverged of {names}: a true rate of up to {bound} is not ruled out "
            "(one-sided, 95 %)."
        )
    return told
