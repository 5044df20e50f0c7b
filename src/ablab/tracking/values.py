"""Params, metrics and tags of a run in MLflow, and their names."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablab.tracking.completion import Completion
from ablab.tracking.journal import Entry
from ablab.tracking.mlflow_names import PARAM_LENGTH, TAG_LENGTH, shorten, valid_name
from ablab.tracking.run import Run, Snapshot

_MAX_TAGS = 80
_FINAL_KINDS = ("failed", "stopped")
_KILLED = "its process ended without recording why"

Point = tuple[str, float, int, int]
"""Name, value, milliseconds since 1970, step; MLflow stores identical points once."""


def outcome(snapshot: Snapshot) -> tuple[str, str | None]:
    """Return the outcome of a run, and the reason unless it finished.

    A run whose last entry is ``failed`` or ``stopped`` has ended even if its process still lives.

    Returns:
        ``finished``, ``diverged``, ``running``, ``failed`` or ``stopped``; and a reason or None.
    """
    last = snapshot.entries[-1]
    if snapshot.completion is not None:
        note = next((e.note for e in snapshot.entries if e.kind == "diverged"), {})
        return snapshot.completion.outcome, _reason(note)
    if last.kind in _FINAL_KINDS:
        return last.kind, _reason(last.note)
    return ("running", None) if snapshot.is_locked else ("stopped", _KILLED)


def params(trial: Mapping[str, Any]) -> dict[str, str]:
    """Return all values that the trial's key depends on, by dotted name.

    Args:
        trial: ``key``, ``choices``, ``config``, ``data_hash``, and ``outside_key``, the
            groups of ``config`` that are left out.
    """
    outside = trial.get("outside_key", ())
    inside = {name: value for name, value in trial["config"].items() if name not in outside}
    choices = {axis: name for axis, name in trial.get("choices", {}).items() if axis not in outside}
    values = dict(_flat(inside)) | choices
    values |= {"key": trial["key"], "data_hash": trial.get("data_hash")}
    return {valid_name(name): shorten(_text(value), PARAM_LENGTH) for name, value in values.items()}


def tags(run: Run) -> dict[str, str]:
    """Return the environment of the last attempt (host, devices, versions, commit, …) as tags."""
    values = dict(list(_flat(run.environment))[:_MAX_TAGS])
    values |= {"ablab.take": f"{run.key}/{run.number}", "ablab.kind": "trial", "key": run.key}
    if values.get("commit"):
        values["mlflow.source.git.commit"] = values["commit"]
    values |= {"mlflow.source.name": "ablab", "mlflow.source.type": "LOCAL"}
    return {valid_name(name): shorten(_text(value), TAG_LENGTH) for name, value in values.items()}


def infinite_metrics(snapshot: Snapshot) -> str:
    """Return the names of infinite metrics, which are logged as NaN."""
    sets = [e.metrics for e in snapshot.entries if e.kind == "epoch"]
    sets += [snapshot.completion.metrics] if snapshot.completion is not None else []
    return ", ".join(dict.fromkeys(n for s in sets for n, v in s.items() if math.isinf(v)))


def epoch_points(entries: Sequence[Entry], start: int) -> list[Point]:
    """Return the points of the epochs in ``entries[start:]``, only the first entry of each."""
    first: dict[int | None, int] = {}
    for number, entry in enumerate(entries):
        if entry.kind == "epoch":
            first.setdefault(entry.epoch, number)
    return [
        (valid_name(name), _finite(value), milliseconds(entries[number].time), epoch or 0)
        for epoch, number in first.items()
        if number >= start
        for name, value in {**entries[number].metrics, **entries[number].measured}.items()
    ]


def final_points(entries: Sequence[Entry], completion: Completion) -> list[Point]:
    """Return final metrics and metadata as points with the step and time of the last epoch.

    A repeated delivery then logs identical points. A metric that epochs have too is named
    ``final/<name>``; metadata that is not a number is left out.
    """
    epochs = [entry for entry in entries if entry.kind == "epoch"]
    names = {name for e in epochs for name in (*e.metrics, *e.measured)}
    time, step = (epochs[-1].time, epochs[-1].epoch or 0) if epochs else (completion.time, 0)
    final = {**completion.metadata, **completion.metrics, **completion.measured}
    return [
        (valid_name(f"final/{n}" if n in names else n), _finite(value), milliseconds(time), step)
        for n, value in final.items()
        if isinstance(value, (int, float))
    ]


def milliseconds(time: float) -> int:
    """Return seconds as MLflow's milliseconds."""
    return round(time * 1000)


def _finite(value: float) -> float:
    """Return a value, NaN for an infinite one.

    MLflow sorts infinity as the largest number, so a diverged trial could rank first.
    """
    return math.nan if math.isinf(value) else float(value)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or (name and not value):
        yield name, value
        return
    for part, inner in value.items():
        yield from _flat(inner, f"{name}.{part}" if name else str(part))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _reason(note: Mapping[str, Any]) -> str | None:
    return note.get("error") or note.get("reason")
