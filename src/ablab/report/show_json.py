"""A trial as JSON; docs/howto/part_of_a_sweep.md documents the fields."""

from typing import Any

from ablab.tracking.journal import Entry
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, read_plans
from ablab.tracking.records import read_record

SCHEMA = 1


def trial_document(lab: Lab, key: str) -> dict[str, Any]:
    """Return all that the lab has of a trial.

    Args:
        lab: the lab.
        key: the trial's key, whole.
    """
    record, (plans, damaged) = read_record(lab, key), read_plans(lab)
    runs = lab.runs(key)
    return {
        "schema": SCHEMA,
        "key": key,
        "state": record.outcome,
        "reason": record.reason,
        "run": str(record.folder) if record.folder else None,
        "choices": record.trial.get("choices", {}),
        "config": record.trial.get("config", {}),
        "data_hash": record.trial.get("data_hash"),
        "epochs": [_epoch(entry) for entry in record.epochs],
        "metrics": record.metrics,
        "measured": record.measured,
        "metadata": record.metadata,
        "environment": record.environment,
        "runs": [
            {"number": run.number, "state": run.status(), "folder": str(run.folder)} for run in runs
        ],
        "sweeps": [cell for plan in plans for cell in _cells(plan, key)],
        "damaged": [*filter(None, (run.damage() for run in runs)), *damaged.values()],
    }


def _epoch(entry: Entry) -> dict[str, Any]:
    return {
        "epoch": entry.epoch,
        "time": entry.time,
        "metrics": entry.metrics,
        "measured": entry.measured,
    }


def _cells(plan: Plan, key: str) -> list[dict[str, Any]]:
    return [
        {"sweep": plan.sweep, "variant": cell.variant, "seed": cell.seed, "block": cell.block}
        for cell in plan.cells
        if cell.key == key
    ]
