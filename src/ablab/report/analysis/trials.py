"""The tidy table of a sweep's trials: a row a cell of the plan."""

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
FIELDS = {
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
    """One cell and the trial that fills it.

    Attributes:
        outcome: as of `Record`.
        value: the sweep's metric; NaN where there is none. That of a diverged trial is the
            figure at the epoch that validation chose, or chance level where there is none.
        total: how many images an accuracy counts, or None.
        reason: why the trial is not simply finished, or empty.
        figures: the columns of `FIELDS`, NaN where an older trial has none.
        curve: validation accuracy of each epoch, NaN where there is none.
        times: when its first and its last epoch ended, seconds since 1970.
        environment: versions, hardware, commit.
        data_hash: the hash of the data, or empty.
        seconds: of training up to the end of each epoch, evaluation excluded; NaN if not known.
        correct: reads which test images were classified rightly, (test_images,); None if not
            stored.
        losses: validation loss of each epoch, NaN where there is none.
        folder: the run's, where its artifacts lie, or None.
        metadata: counts of data and network, as of `Record`.
    """

    variant: str
    seed: int
    block: str
    key: str
    outcome: str
    value: float
    total: int | None
    reason: str
    figures: Mapping[str, float]
    curve: tuple[float, ...]
    times: tuple[float, ...]
    environment: Mapping[str, Any]
    data_hash: str
    seconds: tuple[float, ...] = ()
    correct: Callable[[], NDArray[np.bool_] | None] = _not_stored
    losses: tuple[float, ...] = ()
    folder: Path | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on the data that it was trained on, or on what was not recorded of them."""
        return tuple(self.metadata.get("data_notes", ()))

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing more will come of the trial."""
        return self.outcome in (*TRAINED, "failed")

    @property
    def counts(self) -> bool:
        """Tell whether the trial has a value that the comparison counts."""
        return math.isfinite(self.value)


def read_table(lab: Lab, plan: Plan, commit: str = "") -> tuple[Row, ...]:
    """Return a row for each cell, by block, then variant in the plan's order, then seed.

    Args:
        lab: where the trials lie.
        plan: whose cells.
        commit: only takes of the commit that begins so are read; empty: those that count.
    """
    trials, metric = plan.trials, plan.spec.metric
    rows = [
        _row(cell.id, read_record(lab, cell.key, trials.get(cell.key), commit), metric)
        for cell in plan.cells
    ]
    return in_order(rows, plan.spec)


def in_order(rows: Iterable[Row], spec: Spec) -> tuple[Row, ...]:
    """Return rows by block, then variant in the plan's order, then seed."""
    variants = {name: place for place, name in enumerate(spec.variants)}
    blocks = {name: place for place, name in enumerate(spec.blocks)}

    def place(row: Row) -> tuple[int, str, int, str, int]:
        block, variant = blocks.get(row.block, len(blocks)), variants.get(row.variant)
        return (
            block,
            row.block,
            len(variants) if variant is None else variant,
            row.variant,
            row.seed,
        )

    return tuple(sorted(rows, key=place))


def _row(place: tuple[str, int, str], record: Record, metric: str) -> Row:
    everything = {**record.metadata, **record.measured, **record.metrics}
    total = (
        record.metadata.get(f"{metric.partition('/')[0]}_images") if is_accuracy(metric) else None
    )
    value, note = _value(record, metric)
    return Row(
        *place,
        key=record.key,
        outcome=record.outcome,
        value=value,
        total=total,
        reason=record.reason or note,
        figures={name: float(everything.get(key, math.nan)) for name, key in FIELDS.items()},
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
    """Return what reads it later: a record holds a whole journal, and there may be thousands."""
    images = record.metadata.get("test_images")
    if record.folder is None or not images:
        return _not_stored
    return partial(read_correct, record.folder, int(images))


def _value(record: Record, metric: str) -> tuple[float, str]:
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
    """Return the rows of the cells that the plan's first part already held."""
    places = {cell.id for cell in plan.parts[0].cells}
    return tuple(r for r in rows if (r.variant, r.seed, r.block) in places)
