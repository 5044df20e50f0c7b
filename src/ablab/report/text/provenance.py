"""Where the figures come from, and what to hold against them before reading on."""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from ablab.report.analysis.conditions import conditions, why_untimed
from ablab.report.analysis.trials import TRAINED, Row
from ablab.tracking.baselines import identity
from ablab.tracking.plan import Plan

FACTS = {
    "commit": "Commit",
    "source_hash": "Source hash",
    "python": "Python",
    "torch": "PyTorch",
    "pytorch_lightning": "Lightning",
    "torchmetrics": "TorchMetrics",
    "numpy": "NumPy",
    "mlflow": "MLflow",
    "hydra": "Hydra",
    "ablab": "ablab",
    "host": "Host",
    "system": "System",
    "cpu": "CPU",
    "gpu": "GPU",
    "threads": "Threads",
    "devices": "Devices",
    "slots": "Trials side by side",
}
MUST_AGREE = {
    "source_hash": "versions of ablab's source",
    "commit": "commits",
    "torch": "versions of PyTorch",
}


def provenance(plan: Plan, rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return what the trials were made of, as label and value; the command comes first."""
    times = [time for row in rows for time in row.times]
    entries = [("Command", part.command) for part in plan.parts]
    entries.append(("Planned", " and ".join(_date(part.time) for part in plan.parts)))
    if times:
        label = "Begun and ended" if plan.spec.foreign else "Trained"
        entries.append((label, f"{_date(min(times))} to {_date(max(times))}"))
    entries.append(("Data hash", _listed(_counted(rows, lambda row: row.data_hash))))
    for name, label in FACTS.items():
        entries.append((label, _listed(_counted(_trained(rows), _fact(name)))))
    return [(label, value) for label, value in entries if value]


def notices(plan: Plan, rows: Sequence[Row]) -> list[str]:
    """Return what a reader must know first: trials that were not made alike."""
    trained, found = _trained(rows), []
    for name, what in MUST_AGREE.items():
        counts = _counted(trained, _fact(name))
        if len(counts) > 1:
            found.append(f"Trials come from {len(counts)} {what}: {_listed(counts)}.")
    dirty = sum(bool(row.environment.get("dirty")) for row in trained)
    if dirty:
        found.append(
            f"{dirty} of {len(trained)} trained trials ran from uncommitted changes; "
            "the commit alone does not reproduce them."
        )
    found += _mixed_data(plan, rows)
    threads = _counted(trained, _fact("threads"))
    if len(threads) > 1:
        found.append(
            "Trials ran on different numbers of CPU threads, which changes float32 results in "
            f"their last digits: {_listed(threads)}."
        )
    if how := why_untimed(rows):
        found.append(
            f"Trials ran {how}, so times and memory are not compared: {_listed(conditions(rows))}."
        )
    if any(part.cells for part in plan.parts[1:]):
        found.append(
            f"The plan was extended on {_date(plan.parts[-1].time)}, after it was first written. "
            "Trials that are added until a difference shows find one too often."
        )
    elif len(plan.parts) > 1:
        found.append(
            f"What is asked was changed on {_date(plan.parts[-1].time)}, after the plan was first "
            "written."
        )
    return found


def _mixed_data(plan: Plan, rows: Sequence[Row]) -> list[str]:
    """Return for each data set whose content was not one and the same, which it was how often."""
    hashes: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        trial = plan.trials.get(row.key) or {}
        name = str((trial.get("choices") or {}).get("dataset", ""))
        settings = identity(trial.get("config") or {}, "")["dataset"]
        hashes.setdefault((name, json.dumps(settings, sort_keys=True)), []).append(row)
    found = []
    for (name, _), own in hashes.items():
        counts = _counted(own, lambda row: row.data_hash[:12])
        if len(counts) > 1:
            what = f"data of {name or 'one data set'}"
            found.append(
                f"Trials were given different {what}, so they do not compare: {_listed(counts)}."
            )
    return found


def _trained(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.outcome in TRAINED]


def _fact(name: str) -> Callable[[Row], str]:
    def fact(row: Row) -> str:
        value = row.environment.get(name)
        if isinstance(value, Mapping):
            return ", ".join(f"{part} {inner}" for part, inner in value.items())
        return "" if value is None else str(value)

    return fact


def _counted(rows: Sequence[Row], fact: Callable[[Row], str]) -> Counter[str]:
    return Counter(sorted(value for value in map(fact, rows) if value))


def _listed(counts: Counter[str]) -> str:
    if len(counts) < 2:
        return "".join(counts)
    return ", ".join(f"{value} ({count} trials)" for value, count in counts.most_common())


def _date(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC" if math.isfinite(time) else ""
