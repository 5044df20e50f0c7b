"""Any recorded number as the metric of a sweep, and those derived from the epochs."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from labwriter import LabWriter
from scipy import stats
from tables_by_hand import RELU, rows

from ablab.report.analysis.table import comparable, read_table
from ablab.report.analysis.trials import Row, with_metric
from ablab.report.analysis.values import value_of
from ablab.tracking.journal import Entry
from ablab.tracking.plan import find_plan
from ablab.tracking.records import Record

ACCURACY = (0.5, 0.7, 0.8, 0.75)
LOSS = (1.0, 0.6, 0.5, 0.9)


def record(outcome: str = "finished", **metrics: float) -> Record:
    epochs = tuple(
        Entry(
            "epoch",
            100.0 + i,
            i,
            metrics={"val/accuracy": a, "val/loss": b, "train/loss": b / 2},
            measured={"time/epoch_seconds": 2.0},
        )
        for i, (a, b) in enumerate(zip(ACCURACY, LOSS, strict=True))
    )
    measured = {"memory/peak_bytes": 5e6, "time/epoch_seconds": 2.0}
    return Record(
        "k",
        outcome,
        {},
        epochs=epochs,
        metrics={"train/accuracy": 0.9, "test/accuracy": 0.7, "val/accuracy": 0.8, **metrics},
        measured=measured,
        metadata={"parameters": 12, "flops": 24},
    )


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("test/accuracy", 0.7),
        ("parameters", 12),
        ("memory/peak_bytes", 5e6),
        ("gap/accuracy", 0.9 - 0.7),
        ("gap/selection", 0.8 - 0.7),
        ("speed/epochs", 2),
        ("speed/seconds", 4),
        ("val/accuracy_last", 0.75),
        ("val/loss_last", 0.9),
        ("train/loss_last", 0.45),
        ("val/loss_rise", 0.9 - 0.5),
        ("rank/loss_accuracy", stats.spearmanr(ACCURACY, LOSS).statistic),
    ],
)
def test_values(metric: str, value: float) -> None:
    assert value_of(record(), metric, 0.7) == pytest.approx(value)


def test_what_was_not_recorded_has_no_value() -> None:
    for metric in ("probe/dead", "test/accuracy_noise_0.1", "test/loss_last", "gap/loss"):
        assert math.isnan(value_of(record(), metric))
    assert math.isnan(value_of(record("diverged"), "val/loss_rise"))
    assert value_of(record(), "speed/epochs", 0.99) == math.inf


def timed(**seconds: list[float]) -> list[Row]:
    table = rows(dict.fromkeys(seconds, RELU[:3]))
    return [
        replace(
            row,
            value=seconds[row.variant][row.seed],
            curve=(0.5,) * 10,
            seconds=tuple(np.arange(1, 11.0)),
            environment={"cpu": "x"},
        )
        for row in table
    ]


def test_a_time_that_was_not_reached_counts_with_the_shortest_training() -> None:
    table = timed(relu=[3, math.inf, 8], elu=[1, 2, 3])
    table[0] = replace(table[0], curve=(0.5,) * 7)
    values = {(r.variant, r.seed): r.value for r in comparable(table, "speed/epochs")}
    assert [values["relu", seed] for seed in range(3)] == [3, 7, 7]
    assert [values["elu", seed] for seed in range(3)] == [1, 2, 3]


def test_times_have_no_value_where_conditions_differ() -> None:
    table = timed(relu=[3, 4, 8], elu=[1, 2, 3])
    assert all(row.counts for row in comparable(table, "time/epoch_seconds"))
    table[0] = replace(table[0], environment={"cpu": "y"})
    rows_ = comparable(table, "time/epoch_seconds")
    assert not any(row.counts for row in rows_)
    assert "on different hardware" in rows_[0].reason
    assert all(row.counts for row in comparable(table, "test/accuracy"))


def test_the_metrics_of_a_claim_are_read_beside_the_sweeps_own(writer: LabWriter) -> None:
    outcomes: dict[str, Any] = {"relu": [0.9, 0.91, "failed"], "elu": [0.92, "diverged", 0.93]}
    expected = {"expect": "higher", "of": "elu", "than": "relu", "metric": "test/accuracy"}
    claim = {"says": "x", "source": "S0", "expects": [expected]}
    name = writer.sweep(outcomes, metric="throughput/images_per_second", claim=claim)
    table = read_table(writer.lab, find_plan(writer.lab, name))
    cells = {(row.variant, row.seed): row for row in table}
    assert cells["relu", 0].value == 10_956.0
    accuracy = with_metric(cells["relu", 0], "test/accuracy")
    assert (accuracy.value, accuracy.total) == (0.9, 10_000)
    assert with_metric(cells["elu", 1], "test/accuracy").value == 0.1  # chance level
    assert not with_metric(cells["relu", 2], "test/accuracy").counts
