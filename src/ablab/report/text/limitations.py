"""The limitations of a report: incomplete trials, and the reliability of its numbers."""

from collections.abc import Sequence

from ablab.formatting import join_words
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.trials import Row
from ablab.report.kinds import kind_of
from ablab.report.text.looks import method
from ablab.report.text.phrases import caveats
from ablab.stats.paired import zero_events_bound
from ablab.tracking.plan import Plan

PER_COMPARISON = "Each interval is for one comparison alone, not adjusted for their number."


def incomplete_trials(plan: Plan, rows: Sequence[Row]) -> list[str]:
    """Return every trial that did not simply finish and every excluded cell, with the reason."""
    several = len({row.block for row in rows}) > 1
    lines = [
        f"{_name(row, several=several)}: {row.outcome}{_in_brackets(row.reason)}"
        for row in rows
        if row.outcome != "finished" or row.reason
    ]
    for part in plan.parts:
        for cell in part.excluded:
            name = " · ".join(filter(None, (cell.get("variant"), cell.get("block"))))
            lines.append(f"{name}: excluded by the sweep{_in_brackets(cell.get('reason', ''))}")
    return lines


def count_outcomes(rows: Sequence[Row]) -> str:
    """Return the number of trials by outcome: ``1 diverged, 1 failed, 28 finished``."""
    outcomes = [row.outcome for row in rows]
    return ", ".join(f"{outcomes.count(o)} {o}" for o in dict.fromkeys(sorted(outcomes)))


def _name(row: Row, *, several: bool) -> str:
    block = f" · {row.block}" if several else ""
    return f"{row.variant} · seed {row.seed}{block}"


def _in_brackets(reason: str) -> str:
    return f" ({reason.removeprefix('diverged; ')})" if reason else ""


def reliability(
    comparison: Comparison,
    effects: Sequence[Contrast] = (),
    *,
    tested: bool,
    tuned: bool,
    foreign: bool = False,
) -> list[str]:
    """Return what the intervals cover, which tests decide, and what they could have detected.

    Args:
        comparison: of one block, or over several.
        effects: those of two factors, which are then tested in place of variants.
        tested: whether a verdict was given.
        tuned: whether hyper-parameters were tuned for each variant.
        foreign: whether the trials are MLflow runs that ablab did not launch, so that less is
            known of them.
    """
    sentences = [
        "Variants are paired by seed: trials with the same seed have the same split, order of "
        "images and, where shapes agree, initial weights.",
        _coverage(comparison),
    ]
    if foreign:
        sentences = [
            "Variants are paired by seed; what runs with the same seed have in common is not "
            "known.",
            "Intervals cover what varied from seed to seed in these runs; they do not cover the "
            f"sampling of new data. {PER_COMPARISON}",
        ]
    notes = (n for g in comparison.groups.values() for row in g.rows for n in row.notes)
    sentences += dict.fromkeys(notes)
    if len(comparison.blocks) > 1:
        sentences.append(
            f"Differences are first averaged over the {len(comparison.blocks)} blocks within each "
            "seed, so n counts seeds; the result applies to these blocks only."
        )
    if tested:
        sentences += kind_of(comparison.kind).tests(comparison, effects or comparison.family)
        interim = comparison.grid.interim
        sentences += [method(interim.looks)] if interim else []
    if not foreign:  # MLflow does not record what diverged
        sentences += _divergence_bounds(comparison)
    contrasts = effects or tuple(comparison.against_reference.values())
    clauses = caveats(comparison, contrasts)
    sentences += [clause[0].upper() + clause[1:] + "." for clause in clauses]
    if tuned:
        sentences.append(
            "Hyper-parameters were tuned for each variant with the same budget, so variants are "
            "compared as well as this search could set them; see Tuning."
        )
    elif not foreign:
        sentences.append(
            "Hyper-parameters are fixed: no variant was tuned, so settings are compared."
        )
    return sentences


def _coverage(comparison: Comparison) -> str:
    """Return which sources of variation the intervals cover."""
    totals = {r.total for g in comparison.groups.values() for r in g.rows if r.total}
    images = f" of {totals.pop():,} images" if len(totals) == 1 else ""
    split = comparison.metric.partition("/")[0]
    where = {"val": "validation", "train": "training"}.get(split, split)
    other = f"they do not cover the sampling of new {where} images"
    if any(c.images_interval for c in comparison.against_reference.values()):
        other += "; the intervals for new test images, in the details, do"
    return (
        "Intervals cover what the seed changes (split, order of images, initial weights) on this "
        f"{where} set{images}; {other}. {PER_COMPARISON}"
    )


def _divergence_bounds(comparison: Comparison) -> list[str]:
    """Return an upper bound of the divergence rate for variants of which no trial diverged."""
    finished = {
        group.variant: group.count("finished")
        for group in comparison.groups.values()
        if group.count("finished") and not group.count("diverged")
    }
    sentences = []
    for n in sorted(set(finished.values()), reverse=True):
        variants = [variant for variant, count in finished.items() if count == n]
        each = " each" if len(variants) > 1 else ""
        sentences.append(
            f"0 of {n} trials diverged for {join_words(variants)}{each}: the true divergence rate "
            f"may be up to {100 * zero_events_bound(n):.0f} % (one-sided 95 % bound)."
        )
    return sentences
