"""Provenance of the results: commands, versions and machines; warnings where trials differ."""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from ablab.report.analysis.conditions import conditions, why_untimed
from ablab.report.analysis.trials import TRAINED, Row
from ablab.text import format_count
from ablab.tracking.baselines import identity
from ablab.tracking.plan import Plan

LABELS = {
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
    """Return commands, times, versions and machines as label and value, the commands first."""
    times = [time for row in rows for time in row.times]
    planned = [part for part in plan.parts if part.kind != "look"]
    entries = [("Command", part.command) for part in planned]
    entries.append(("Planned", " and ".join(_date(part.time) for part in planned)))
    if times:
        label = "Started and ended" if plan.spec.foreign else "Trained"
        entries.append((label, f"{_date(min(times))} to {_date(max(times))}"))
    entries.append(("Data hash", _listed(_count_values(rows, lambda row: row.data_hash))))
    entries.append(("Labs", _listed(_count_values(rows, lambda row: row.lab))))
    for name, label in LABELS.items():
        entries.append((label, _listed(_count_values(_trained(rows), _value_of(name)))))
    return [(label, value) for label, value in entries if value]


def notices(plan: Plan, rows: Sequence[Row]) -> list[str]:
    """Return warnings that a reader must know first, where trials ran under other conditions."""
    trained, warnings = _trained(rows), []
    for name, what in MUST_AGREE.items():
        counts = _count_values(trained, _value_of(name))
        if len(counts) > 1:
            warnings.append(f"Trials come from {len(counts)} {what}: {_listed(counts)}.")
    dirty = sum(bool(row.environment.get("dirty")) for row in trained)
    if dirty:
        warnings.append(
            f"{dirty} of {len(trained)} trained trials ran with uncommitted changes; "
            "the commit alone does not reproduce them."
        )
    warnings += _mixed_data(plan, rows)
    threads = _count_values(trained, _value_of("threads"))
    if len(threads) > 1:
        warnings.append(
            "Trials ran with different numbers of CPU threads, which changes the last digits of "
            f"float32 results: {_listed(threads)}."
        )
    if how := why_untimed(rows):
        warnings.append(
            f"Trials ran {how}, so times and memory are not compared: {_listed(conditions(rows))}."
        )
    later = [part for part in plan.parts[1:] if part.kind != "look"]
    if any(part.cells for part in later):
        warnings.append(
            f"The plan was extended on {_date(later[-1].time)}, after it was first written. "
            "Adding trials until a difference is detected raises the rate of false detections."
        )
    elif later:
        warnings.append(
            f"The question was changed on {_date(later[-1].time)}, after the plan was first "
            "written."
        )
    return warnings


def _mixed_data(plan: Plan, rows: Sequence[Row]) -> list[str]:
    """Return a warning for each data set whose content differed between trials."""
    hashes: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        trial = plan.trials.get(row.key) or {}
        name = str((trial.get("choices") or {}).get("dataset", ""))
        settings = identity(trial.get("config") or {}, "")["dataset"]
        hashes.setdefault((name, json.dumps(settings, sort_keys=True)), []).append(row)
    warnings = []
    for (name, _), own in hashes.items():
        counts = _count_values(own, lambda row: row.data_hash[:12])
        if len(counts) > 1:
            what = f"contents of {name or 'one data set'}"
            warnings.append(
                f"Trials used different {what}, so they do not compare: {_listed(counts)}."
            )
    return warnings


def _trained(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.outcome in TRAINED]


def _value_of(name: str) -> Callable[[Row], str]:
    """Return a function that reads an entry of a trial's environment, as text."""

    def value_of(row: Row) -> str:
        value = row.environment.get(name)
        if isinstance(value, Mapping):
            return ", ".join(f"{part} {inner}" for part, inner in value.items())
        return "" if value is None else str(value)

    return value_of


def _count_values(rows: Sequence[Row], value_of: Callable[[Row], str]) -> Counter[str]:
    counts = Counter(map(value_of, rows))
    return Counter({value: counts[value] for value in sorted(counts) if value})


def _listed(counts: Counter[str]) -> str:
    if len(counts) < 2:
        return "".join(counts)
    return ", ".join(
        f"{value} ({format_count(count, 'trial')})" for value, count in counts.most_common()
    )


def _date(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC" if math.isfinite(time) else ""
