"""A take in MLflow's terms: what of it is a param, a metric or a tag, and under which name."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablab.tracking.completion import COMPLETION, Completion
from ablab.tracking.journal import Entry
from ablab.tracking.lab import Look, Run
from ablab.tracking.wording import PARAM_LENGTH, TAG_LENGTH, named, shorten

_MAX_TAGS = 80
_LAST_WORDS = ("failed", "stopped")
_GONE = "its process ended without a last word"

Point = tuple[str, float, int, int]
"""Name, value, milliseconds since 1970, step: what MLflow keeps once however often it comes."""


def outcome(look: Look) -> tuple[str, str | None]:
    """Return the outcome of a take as it was then, and the reason where it did not get to its end.

    A trial that has written its last word counts as ended though its process still lives.

    Returns:
        ``finished``, ``diverged``, ``running``, ``failed`` or ``stopped``; and a reason.
    """
    last = look.entries[-1]
    if look.completion is not None:
        note = next((e.note for e in look.entries if e.kind == "diverged"), {})
        return look.completion.outcome, _reason(note)
    if last.kind in _LAST_WORDS:
        return last.kind, _reason(last.note)
    return ("running", None) if look.is_locked else ("stopped", _GONE)


def params(trial: Mapping[str, Any]) -> dict[str, str]:
    """Return every value of a trial's key, by dotted name.

    Args:
        trial: ``key``, ``choices``, ``config``, ``data_hash``, and ``outside_key``, the
            groups of ``config`` that are left out.
    """
    outside = trial.get("outside_key", ())
    inside = {name: value for name, value in trial["config"].items() if name not in outside}
    choices = {axis: name for axis, name in trial.get("choices", {}).items() if axis not in outside}
    values = dict(_flat(inside)) | choices
    values |= {"key": trial["key"], "data_hash": trial.get("data_hash")}
    return {named(name): shorten(_text(value), PARAM_LENGTH) for name, value in values.items()}


def tags(run: Run) -> dict[str, str]:
    """Return what is known of the latest attempt: host, devices, versions, commit, …."""
    values = dict(list(_flat(run.environment))[:_MAX_TAGS])
    values |= {"ablab.take": f"{run.key}/{run.number}", "ablab.kind": "trial", "key": run.key}
    if values.get("commit"):
        values["mlflow.source.git.commit"] = values["commit"]
    values |= {"mlflow.source.name": "ablab", "mlflow.source.type": "LOCAL"}
    return {named(name): shorten(_text(value), TAG_LENGTH) for name, value in values.items()}


def infinite(look: Look) -> str:
    """Return the names of the figures that were infinite, which `curve` and `final` leave NaN."""
    sets = [e.metrics for e in look.entries if e.kind == "epoch"]
    sets += [look.completion.metrics] if look.completion is not None else []
    return ", ".join(dict.fromkeys(n for s in sets for n, v in s.items() if math.isinf(v)))


def curve(entries: Sequence[Entry], start: int) -> list[Point]:
    """Return the points of the epochs among ``entries[start:]``, each epoch's first line alone."""
    first: dict[int | None, int] = {}
    for number, entry in enumerate(entries):
        if entry.kind == "epoch":
            first.setdefault(entry.epoch, number)
    return [
        (named(name), _finite(value), milliseconds(entries[number].time), epoch or 0)
        for epoch, number in first.items()
        if number >= start
        for name, value in {**entries[number].metrics, **entries[number].measured}.items()
    ]


def final(entries: Sequence[Entry], completion: Completion) -> list[Point]:
    """Return final figures and counts as points of the last epoch: its step, its time stamp.

    So they are the same points when the end is repeated. A figure whose name a curve bears
    already goes by ``final/<name>``; a fact that is no number is left out.
    """
    epochs = [entry for entry in entries if entry.kind == "epoch"]
    drawn = {name for e in epochs for name in (*e.metrics, *e.measured)}
    time, step = (epochs[-1].time, epochs[-1].epoch or 0) if epochs else (completion.time, 0)
    figures = {**completion.metadata, **completion.metrics, **completion.measured}
    return [
        (named(f"final/{n}" if n in drawn else n), _finite(value), milliseconds(time), step)
        for n, value in figures.items()
        if isinstance(value, (int, float))
    ]


def milliseconds(time: float) -> int:
    """Return a time stamp of the journal as MLflow's."""
    return round(time * 1000)


def completion_sha(folder: Path) -> str:
    """Return the SHA-256 of a run's completion record, the value of param ``completion``."""
    return hashlib.sha256((folder / COMPLETION).read_bytes()).hexdigest()


def _finite(value: float) -> float:
    """Return a figure, NaN for an infinite one: MLflow sorts infinity as the largest number.

    So the lowest loss, or the highest accuracy, would be that of a trial that diverged.
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
