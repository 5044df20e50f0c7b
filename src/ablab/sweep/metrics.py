"""Whether the trials of a sweep have the metrics that it compares."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from ablab.text import format_value
from ablab.tracking.metrics import METRICS, find_metric, strength
from ablab.tracking.run import Run

_ADDED = ("test/ece", "test/ece_last")  # runs of earlier versions lack them


def has_metric(run: Run, metric: str) -> bool:
    """Return whether a finished run has a metric; any other lack than of age does not count."""
    completion = run.completion if metric in _ADDED else None
    if completion is None or completion.outcome != "finished":
        return True
    return metric in completion.metrics


def check_metric(path: str, name: Any, faults: list[str]) -> None:
    """Check that a name is one of the metrics that `ablab list metric` shows."""
    if find_metric(name) is None:
        near = get_close_matches(str(name), METRICS, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        rule = "one of those that `ablab list metric` names"
        faults.append(f"{path} must be {rule}, got {format_value(name)}{hint}")


def lacking(
    path: str,
    name: str,
    target: float | None,
    probes: Mapping[str, Any],
    configs: Iterable[Mapping[str, Any]],
) -> list[str]:
    """Return the fault of a metric that the trials would lack, with the setting that records it.

    Args:
        path: the key that names the metric.
        name: a metric.
        target: the validation accuracy that the sweep states, or None.
        probes: the ``probes`` group.
        configs: the configurations of the trials.
    """
    metric = find_metric(name)
    group, _, key = metric.needs.partition(".") if metric else ("", "", "")
    where = f"where {path} is {name}"
    if group == "sweep" and target is None:
        return [f"sweep.target must be a validation accuracy in (0, 1) {where}, got null"]
    if group == "probes" and not probes.get(key):
        return [f"probes.{key} must be true {where}, got {format_value(probes.get(key))}"]
    if group == "data":
        levels = [config["data"][key] for config in configs]
        lists = (own for own in levels if isinstance(own, list))  # others are refused elsewhere
        bad = next((own for own in lists if strength(name) not in own), None)
        if bad is not None:
            return [f"data.{key} must list {strength(name):g} {where}, got {format_value(bad)}"]
    return []
