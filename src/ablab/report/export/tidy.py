"""The report's numbers as tidy records, of which every machine-readable form is made.

Names are stable; docs/report_columns.md says what each means. What is not known is None. Tests
stand here only where a verdict was given: no p before all trials are done.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast, Group
from ablab.report.analysis.trials import FIELDS
from ablab.stats import paired
from ablab.tracking import csv_text

Record = dict[str, Any]

ENVIRONMENT = ("host", "cpu", "gpu", "threads", "commit", "dirty", "source_hash", "torch")
CURVE = ("variant", "seed", "block", "epoch", "seconds", "val_accuracy")
SPEED = (
    *("variant", "seed", "block", "target"),
    *("epochs", "reached", "seconds", "reached_seconds"),
)
LAST = "cpu_utilization"  # of the fields, which stand where they stood before there was this one
COSTS = ("parameters", "flops", "epoch_seconds", "images_per_second", "peak_bytes")


def trials(analysis: Analysis) -> list[Record]:
    """Return a record a trial."""
    return [
        {
            "variant": row.variant,
            "seed": row.seed,
            "block": row.block,
            "key": row.key,
            "outcome": row.outcome,
            "value": _figure(row.value),
            **{name: _figure(row.figures[name]) for name in FIELDS if name != LAST},
            "data_hash": row.data_hash,
            **{name: row.environment.get(name) for name in ENVIRONMENT},
            "reason": row.reason,
            LAST: _figure(row.figures[LAST]),
        }
        for row in analysis.rows
    ]


def variants(analysis: Analysis) -> list[Record]:
    """Return a record a variant and block; costs are those of its middle trial."""
    return [
        _variant(comparison, group)
        for comparison in analysis.blocks
        for group in comparison.groups.values()
    ]


def contrasts(analysis: Analysis) -> list[Record]:
    """Return a record a contrast: those of each block, those across blocks, those of factors."""
    return [
        _contrast(scope, block, contrast, tested=analysis.verdict.is_given)
        for scope, block, contrast in _families(analysis)
    ]


def curves(analysis: Analysis) -> list[Record]:
    """Return a record a trial and epoch, epochs from 1; seconds are of training alone."""
    return [
        dict(zip(CURVE, (*place, epoch + 1, seconds, _figure(value)), strict=True))
        for row in analysis.rows
        for place in [(row.variant, row.seed, row.block)]
        for epoch, value in enumerate(row.curve)
        for seconds in [_figure(row.seconds[epoch]) if epoch < len(row.seconds) else None]
    ]


def speed(analysis: Analysis) -> list[Record]:
    """Return a record a trial that trained, in a sweep that states a target."""
    found = []
    for of_block in analysis.speed:
        for variant, times in of_block.variants.items():
            for i, seed in enumerate(times.seeds):
                epochs, seconds = _figure(times.epochs[i]), _figure(times.seconds[i])
                reached = bool(times.reached[i]), bool(times.reached_seconds[i])
                place = (variant, seed, of_block.block, of_block.target)
                told = (*place, epochs, reached[0], seconds, reached[1])
                found.append(dict(zip(SPEED, told, strict=True)))
    return found


def contrast_columns() -> list[str]:
    """Return the names of a contrast's record, for a table that has none."""
    none = np.empty(0)
    return list(_contrast("", "", Contrast("", "", none, none, 0, 1), tested=False))


def to_csv(records: Sequence[Mapping[str, Any]]) -> str:
    """Return records as comma-separated values, what is not known empty, no text a formula.

    Args:
        records: of the same names; where there is none they are contrasts.
    """
    names = list(records[0]) if records else contrast_columns()
    return csv_text.to_csv([names, *([record[name] for name in names] for record in records)])


def _figure(x: float) -> float | int | None:
    """Return a figure in full, a whole one as an integer."""
    if not math.isfinite(x):
        return None
    return int(x) if x == int(x) else float(x)


def _variant(comparison: Comparison, group: Group) -> Record:
    def known(name: str) -> list[float]:
        return [row.figures[name] for row in group.rows if math.isfinite(row.figures[name])]

    last = known("test_accuracy_last")
    return {
        "block": comparison.block,
        "variant": group.variant,
        "is_baseline": group.variant == comparison.baseline,
        "is_reference": group.variant == comparison.reference,
        "n": group.n,
        "mean": _figure(group.mean),
        "sd": _figure(group.sd),
        "test_accuracy_last": sum(last) / len(last) if last else None,
        "diverged": group.count("diverged"),
        "failed": group.count("failed"),
        **{name: _figure(median(known(name) or [math.nan])) for name in COSTS},
    }


def _families(analysis: Analysis) -> Iterator[tuple[str, str, Contrast]]:
    for comparison in analysis.blocks:
        yield from (("block", comparison.block, c) for c in comparison.family)
    if analysis.across:
        yield from (("across", "", c) for c in analysis.across.family)
    if analysis.factors:
        yield from (("factors", "", c) for c in analysis.factors.effects)


def _contrast(scope: str, block: str, contrast: Contrast, *, tested: bool) -> Record:
    converged = contrast.converged
    return {
        "scope": scope,
        "block": block,
        "variant": contrast.variant,
        "reference": contrast.reference,
        "n": contrast.n,
        "left_out": contrast.left_out,
        "mean": _figure(contrast.mean),
        **_interval("ci95", contrast.interval),
        **_interval("ci95_images", contrast.images_interval),
        **_interval("ci95_bca", contrast.bca),
        "seeds_won": contrast.won,
        **_interval("won", contrast.won_interval),
        "hedges": _figure(paired.hedges(contrast.differences)),
        "converged_n": converged.size,
        "converged_mean": _figure(float(converged.mean())) if converged.size else None,
        **_tests(contrast, tested=tested),
    }


def _tests(contrast: Contrast, *, tested: bool) -> Record:
    """Return what only a verdict's page shows; None for all of it where there is no verdict."""
    equal = contrast.equivalence
    found = {
        "p": _figure(contrast.p),
        "p_holm": _figure(contrast.p_holm),
        "p_cell": _figure(contrast.p_cell),
        "p_flip": _figure(contrast.p_flip),
        **_interval("holm_ci", contrast.step_interval),
        "detectable": _figure(contrast.minimum_detectable_difference),
        "result": None if math.isnan(contrast.p) else contrast.result,
        "margin": equal.margin if equal else None,
        **_interval("ci90", equal.interval90 if equal else None),
        "equivalence": equal.result if equal else None,
        "equivalence_p": _figure(equal.p) if equal else None,
        "equivalence_p_holm": _figure(equal.p_holm) if equal else None,
        "showable": _figure(equal.detectable_margin) if equal else None,
        **_interval("equivalence_holm_ci", equal.step_interval if equal else None),
        "different_p": _figure(equal.p_different) if equal else None,
        "different_p_holm": _figure(equal.p_different_holm) if equal else None,
        **_interval("different_holm_ci", equal.outside_interval if equal else None),
    }
    return found if tested and contrast.n > 2 else dict.fromkeys(found)


def _interval(name: str, bounds: tuple[float, float] | None) -> Record:
    low, high = bounds or (math.nan, math.nan)
    return {f"{name}_low": _figure(low), f"{name}_high": _figure(high)}
