"""The table of a sweep's trials: one row per cell of the plan."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablab.text import is_accuracy
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan
from ablab.tracking.records import Record, read_correct, read_record
from ablab.tracking.spec import Spec

SECONDS = "time/epoch_seconds"
TRAINED = ("finished", "diverged")
FIELDS = {  # column of a report's table -> name of the metric
    "test_accuracy": "test/accuracy",
    "test_accuracy_last": "test/accuracy_last",
    "val_accuracy": "val/accuracy",
    "best_epoch": "best/epoch",
    "parameters": "parameters",
    "flops": "flops",
    "epoch_seconds": SECONDS,
    "images_per_second": "throughput/images_per_second",
    "peak_bytes": "memory/peak_bytes",
    "cpu_utilization": "cpu/utilization",
}


def _not_stored() -> None:
    return None


@dataclass(frozen=True)
class Row:
    """One cell of the plan and its trial.

    Attributes:
        outcome: as in `Record`.
        value: the sweep's metric, NaN if there is none. For a diverged trial, its value at the
            epoch that validation chose, or chance level if there is none.
        total: number of images that an accuracy is a share of, or None.
        reason: why the outcome is not plainly ``finished``, or empty.
        metrics: by the names of `FIELDS`; NaN where missing, as in older trials.
        curve: validation accuracy of each epoch, NaN where missing.
        times: when its first and its last epoch ended, seconds since 1970.
        environment: versions, hardware, commit.
        data_hash: the hash of the data, or empty.
        seconds: cumulative training time at the end of each epoch, evaluation excluded; NaN if
            unknown.
        correct: reads which test images were classified correctly, (test_images,); returns None
            if that was not stored.
        losses: validation loss of each epoch, NaN where missing.
        folder: the folder of the run, which holds its artifacts, or None.
        metadata: counts of data and network, as in `Record`.
        lab: name of the lab that holds the trial, if the report merges several; else empty.
    """

    variant: str
    seed: int
    block: str
    key: str
    outcome: str
    value: float
    total: int | None
    reason: str
    metrics: Mapping[str, float]
    curve: tuple[float, ...]
    times: tuple[float, ...]
    environment: Mapping[str, Any]
    data_hash: str
    seconds: tuple[float, ...] = ()
    correct: Callable[[], NDArray[np.bool_] | None] = _not_stored
    losses: tuple[float, ...] = ()
    folder: Path | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    lab: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on the training data, or on what was not recorded about them."""
        return tuple(self.metadata.get("data_notes", ()))

    @property
    def is_settled(self) -> bool:
        """Whether the trial has finished, diverged, or failed for good."""
        return self.outcome in (*TRAINED, "failed")

    @property
    def counts(self) -> bool:
        """Whether the trial has a value, so that comparisons count it."""
        return math.isfinite(self.value)


def read_table(lab: Lab, plan: Plan, commit: str = "") -> tuple[Row, ...]:
    """Read one row per cell, by block, then variant in the plan's order, then seed.

    Args:
        lab: the lab with the trials.
        plan: the plan with the cells.
        commit: prefix of a commit: only runs of that commit are read. If empty, the runs that
            count.
    """
    trials, metric = plan.trials, plan.spec.metric
    rows = [
        _row(cell.id, read_record(lab, cell.key, trials.get(cell.key), commit), metric)
        for cell in plan.cells
    ]
    return in_order(rows, plan.spec)


def in_order(rows: Iterable[Row], spec: Spec) -> tuple[Row, ...]:
    """Return rows by block, then variant in the plan's order, then seed."""
    variants = {name: index for index, name in enumerate(spec.variants)}
    blocks = {name: index for index, name in enumerate(spec.blocks)}

    def sort_key(row: Row) -> tuple[int, str, int, str, int]:
        block, variant = blocks.get(row.block, len(blocks)), variants.get(row.variant)
        return (
            block,
            row.block,
            len(variants) if variant is None else variant,
            row.variant,
            row.seed,
        )

    return tuple(sorted(rows, key=sort_key))


def _row(cell: tuple[str, int, str], record: Record, metric: str) -> Row:
    values = {**record.metadata, **record.measured, **record.metrics}
    total = (
        record.metadata.get(f"{metric.partition('/')[0]}_images") if is_accuracy(metric) else None
    )
    value, note = _value(record, metric)
    return Row(
        *cell,
        key=record.key,
        outcome=record.outcome,
        value=value,
        total=total,
        reason=record.reason or note,
        metrics={name: float(values.get(key, math.nan)) for name, key in FIELDS.items()},
        curve=tuple(e.metrics.get("val/accuracy", math.nan) for e in record.epochs),
        times=tuple(e.time for e in (*record.epochs[:1], *record.epochs[-1:])),
        environment=record.environment,
        data_hash=str(record.trial.get("data_hash") or ""),
        seconds=tuple(accumulate(e.measured.get(SECONDS, math.nan) for e in record.epochs)),
        correct=_correct(record),
        losses=tuple(e.metrics.get("val/loss", math.nan) for e in record.epochs),
        folder=record.folder,
        metadata=record.metadata,
    )


def _correct(record: Record) -> Callable[[], NDArray[np.bool_] | None]:
    """Return a function that reads them later: it must not keep the record.

    A record holds a whole journal, and a sweep may have thousands of them.
    """
    images = record.metadata.get("test_images")
    if record.folder is None or not images:
        return _not_stored
    return partial(read_correct, record.folder, int(images))


def _value(record: Record, metric: str) -> tuple[float, str]:
    """Return the value that counts, and a remark if the trial is not plainly finished."""
    if record.outcome not in TRAINED:
        return math.nan, ""
    value = record.metrics.get(metric, math.nan)
    if math.isfinite(value):
        diverged = record.outcome == "diverged"
        return value, "diverged; counts with the epoch that validation chose" if diverged else ""
    classes = record.metadata.get("num_classes")
    if record.outcome == "diverged" and is_accuracy(metric) and classes:
        return 1 / classes, "diverged before validation chose an epoch; counts at chance level"
    return math.nan, f"{record.outcome} without {metric}; its pairs are left out"


def first_part(plan: Plan, rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return the rows of the cells in the plan's first part."""
    cells = {cell.id for cell in plan.parts[0].cells}
    return tuple(r for r in rows if (r.variant, r.seed, r.block) in cells)
