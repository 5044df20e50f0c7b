"""The trials of a sweep: one row per cell of the plan."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablab.report.analysis.values import (
    EPOCHS_TO_TARGET,
    SECONDS,
    SECONDS_TO_TARGET,
    curve_of,
    seconds_of,
    value_of,
)
from ablab.text import is_accuracy
from ablab.tracking.plan import Plan
from ablab.tracking.records import Record, read_correct
from ablab.tracking.spec import Spec

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
        others: further metrics that were read, by name: value and remark.
        damage: as in `Record`.
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
    others: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    damage: tuple[str, ...] = ()

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


def make_row(
    cell: tuple[str, int, str], record: Record, spec: Spec, also: Sequence[str] = ()
) -> Row:
    """Return the row of a cell.

    Args:
        cell: variant, seed and block.
        record: of its trial.
        spec: the sweep's question.
        also: further metrics whose values the row keeps.
    """
    values = {**record.metadata, **record.measured, **record.metrics}
    value, note = _value(record, spec.metric, spec.target)
    return Row(
        *cell,
        key=record.key,
        outcome=record.outcome,
        value=value,
        total=_total(record.metadata, spec.metric),
        reason=record.reason or note,
        metrics={name: float(values.get(key, math.nan)) for name, key in FIELDS.items()},
        curve=curve_of(record, "val/accuracy"),
        times=tuple(e.time for e in (*record.epochs[:1], *record.epochs[-1:])),
        environment=record.environment,
        data_hash=str(record.trial.get("data_hash") or ""),
        seconds=seconds_of(record),
        correct=_correct(record),
        losses=curve_of(record, "val/loss"),
        folder=record.folder,
        metadata=record.metadata,
        others={name: _value(record, name, spec.target) for name in also},
        damage=record.damage,
    )


def with_metric(row: Row, metric: str) -> Row:
    """Return a row whose value is that of another metric, one that was read `also`."""
    value, note = row.others[metric]
    return replace(row, value=value, total=_total(row.metadata, metric), reason=note)


def _total(metadata: Mapping[str, Any], metric: str) -> int | None:
    """Return the number of images that an accuracy is a share of, or None."""
    part = metric.partition("/")[0]
    return metadata.get(f"{part}_images") if is_accuracy(metric) else None


def _correct(record: Record) -> Callable[[], NDArray[np.bool_] | None]:
    """Return a function that reads them later: it must not keep the record.

    A record holds a whole journal, and a sweep may have thousands of them.
    """
    images = record.metadata.get("test_images")
    if record.folder is None or not images:
        return _not_stored
    return partial(read_correct, record.folder, int(images))


def _value(record: Record, metric: str, target: float | None) -> tuple[float, str]:
    """Return the value that counts, and a remark if the trial is not plainly finished."""
    if record.outcome not in TRAINED:
        return math.nan, ""
    value, diverged = value_of(record, metric, target), record.outcome == "diverged"
    if math.isinf(value) and metric in (EPOCHS_TO_TARGET, SECONDS_TO_TARGET):
        return value, "diverged before it reached the target" if diverged else ""
    if math.isfinite(value):
        return value, "diverged; counts with the epoch that validation chose" if diverged else ""
    classes = record.metadata.get("num_classes")
    is_share_of_images = is_accuracy(metric) and metric.startswith(("train/", "val/", "test/"))
    if diverged and is_share_of_images and classes:
        return 1 / classes, "diverged before validation chose an epoch; counts at chance level"
    return math.nan, f"{record.outcome} without {metric}; its pairs are left out"


def first_part(plan: Plan, rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return the rows of the cells in the plan's first part."""
    cells = {cell.id for cell in plan.parts[0].cells}
    return tuple(r for r in rows if (r.variant, r.seed, r.block) in cells)
