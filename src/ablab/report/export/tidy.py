"""The numbers of a report as tidy records, the source of every machine-readable form.

Names are stable and documented in docs/report_columns.md. Unknown values are None. Tests are
included only if a verdict was given: no p before all trials are done.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.comparison import Comparison
from ablab.report.analysis.contrast import Contrast
from ablab.report.analysis.cost import median_metric
from ablab.report.analysis.grid import Group
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
LAST = "cpu_utilization"  # added later, so it comes last and other columns keep their positions
COSTS = ("parameters", "flops", "epoch_seconds", "images_per_second", "peak_bytes")


def trials(analysis: Analysis) -> list[Record]:
    """Return one record per trial."""
    return [
        {
            "variant": row.variant,
            "seed": row.seed,
            "block": row.block,
            "key": row.key,
            "outcome": row.outcome,
            "value": _number(row.value),
            **{name: _number(row.metrics[name]) for name in FIELDS if name != LAST},
            "data_hash": row.data_hash,
            **{name: row.environment.get(name) for name in ENVIRONMENT},
            "reason": row.reason,
            LAST: _number(row.metrics[LAST]),
            "lab": row.lab,
        }
        for row in analysis.rows
    ]


def variants(analysis: Analysis) -> list[Record]:
    """Return one record per variant and block; costs are medians over its trials."""
    return [
        _variant(comparison, group)
        for comparison in analysis.blocks
        for group in comparison.groups.values()
    ]


def contrasts(analysis: Analysis) -> list[Record]:
    """Return one record per contrast: of each block, across blocks, of factors."""
    return [
        _contrast(scope, block, contrast, tested=analysis.has_verdict)
        for scope, block, contrast in _families(analysis)
    ]


def curves(analysis: Analysis) -> list[Record]:
    """Return one record per trial and epoch, epochs from 1; seconds are those of training only."""
    return [
        dict(zip(CURVE, (*cell, epoch + 1, seconds, _number(value)), strict=True))
        for row in analysis.rows
        for cell in [(row.variant, row.seed, row.block)]
        for epoch, value in enumerate(row.curve)
        for seconds in [_number(row.seconds[epoch]) if epoch < len(row.seconds) else None]
    ]


def speed(analysis: Analysis) -> list[Record]:
    """Return one record per trained trial, if the sweep states a target."""
    records = []
    for of_block in analysis.speed:
        for variant, times in of_block.variants.items():
            for i, seed in enumerate(times.seeds):
                epochs, seconds = _number(times.epochs[i]), _number(times.seconds[i])
                reached = bool(times.reached[i]), bool(times.reached_seconds[i])
                cell = (variant, seed, of_block.block, of_block.target)
                values = (*cell, epochs, reached[0], seconds, reached[1])
                records.append(dict(zip(SPEED, values, strict=True)))
    return records


def contrast_columns() -> list[str]:
    """Return the names of a contrast's record, for a table without rows."""
    none = np.empty(0)
    return list(_contrast("", "", Contrast("", "", none, none, 0, 1), tested=False))


def to_csv(records: Sequence[Mapping[str, Any]]) -> str:
    """Return records as CSV, with unknown values empty and texts safe for spreadsheets.

    Args:
        records: with the same names; without any, the header is that of contrasts.
    """
    names = list(records[0]) if records else contrast_columns()
    return csv_text.to_csv([names, *([record[name] for name in names] for record in records)])


def _number(x: float) -> float | int | None:
    """Return a number at full precision, an integral one as int, a non-finite one as None."""
    if not math.isfinite(x):
        return None
    return int(x) if x == int(x) else float(x)


def _variant(comparison: Comparison, group: Group) -> Record:
    values = [row.metrics["test_accuracy_last"] for row in group.rows]
    last = [value for value in values if math.isfinite(value)]
    return {
        "block": comparison.block,
        "variant": group.variant,
        "is_baseline": group.variant == comparison.baseline,
        "is_reference": group.variant == comparison.reference,
        "n": group.n,
        "mean": _number(group.mean),
        "sd": _number(group.sd),
        "test_accuracy_last": sum(last) / len(last) if last else None,
        "diverged": group.count("diverged"),
        "failed": group.count("failed"),
        **{name: _number(median_metric(group, name)) for name in COSTS},
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
        "mean": _number(contrast.mean),
        **_interval("ci95", contrast.interval),
        **_interval("ci95_images", contrast.images_interval),
        **_interval("ci95_bca", contrast.bca),
        "seeds_won": contrast.won,
        **_interval("won", contrast.won_interval),
        "hedges": _number(paired.hedges(contrast.differences)),
        "converged_n": converged.size,
        "converged_mean": _number(float(converged.mean())) if converged.size else None,
        **_tests(contrast, tested=tested),
    }


def _tests(contrast: Contrast, *, tested: bool) -> Record:
    """Return the tests of a contrast; all None without a verdict or with fewer than three pairs."""
    equal = contrast.equivalence
    tests = {
        "p": _number(contrast.p),
        "p_holm": _number(contrast.p_holm),
        "p_cell": _number(contrast.p_cell),
        "p_flip": _number(contrast.p_flip),
        **_interval("holm_ci", contrast.step_interval),
        "detectable": _number(contrast.minimum_detectable_difference),
        "result": None if math.isnan(contrast.p) else contrast.result,
        "margin": equal.margin if equal else None,
        **_interval("ci90", equal.interval90 if equal else None),
        "equivalence": equal.result if equal else None,
        "equivalence_p": _number(equal.p) if equal else None,
        "equivalence_p_holm": _number(equal.p_holm) if equal else None,
        "showable": _number(equal.detectable_margin) if equal else None,
        **_interval("equivalence_holm_ci", equal.step_interval if equal else None),
        "different_p": _number(equal.p_different) if equal else None,
        "different_p_holm": _number(equal.p_different_holm) if equal else None,
        **_interval("different_holm_ci", equal.outside_interval if equal else None),
    }
    return tests if tested and contrast.n > 2 else dict.fromkeys(tests)


def _interval(name: str, bounds: tuple[float, float] | None) -> Record:
    low, high = bounds or (math.nan, math.nan)
    return {f"{name}_low": _number(low), f"{name}_high": _number(high)}
