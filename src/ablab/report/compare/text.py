"""The text on a change: what changed beyond noise, and what else differs between the inputs."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ablab.formatting import join_words
from ablab.report.analysis.trials import Row
from ablab.report.compare.change import Change, VariantChange
from ablab.report.compare.inputs import Input
from ablab.report.text import phrases
from ablab.report.text.provenance import LABELS, notices
from ablab.text import format_count

_MAX_LISTED = 8


def sentence(change: Change) -> str:
    """Return what changed from A to B, or why there is no answer, as one sentence."""
    return "; ".join(_clauses(change)) + "."


def unfinished(change: Change) -> str:
    """Return which input has trials to train, and how many are done; empty if none has."""
    for each in (change.a, change.b):
        if each.num_pending:
            total = len(each.rows)
            done = total - each.num_pending
            return f"{each.name} is still running: {done} of {total} trials are done"
    return ""


def _clauses(change: Change) -> list[str]:
    if reason := unfinished(change):
        return [f"No answer yet, {reason}"]
    unit, contrasts = change.unit, [v.contrast for v in change.variants if v.contrast.n]
    if not contrasts:
        why = "A and B have no trials that pair"
        if change.shared:
            why = "all trials that A and B have in common are the same runs"
        return [f"Nothing to compare: {why}"]
    n = max(c.n for c in contrasts)
    if n < 3:
        values = join_words([f"{c.variant} {phrases.differences(c, unit)}" for c in contrasts])
        return [
            f"No answer from n = {n}: a test needs three seeds or more",
            f"B minus A is {values}",
        ]
    changed = [c for c in contrasts if c.result != "open"]
    equal = [c for c in contrasts if c.result == "open" and c.n > 2 and not c.differences.any()]
    open_ = [c for c in contrasts if c.result == "open" and c not in equal]
    clauses = [
        f"{c.variant} {'rises' if c.mean > 0 else 'falls'} by {phrases.effect(c, unit)}"
        for c in changed
    ]
    if open_:
        clauses.append(f"no change was detected for {phrases.ranges(open_, unit)}")
        clauses += phrases.minimum_detectable_difference(open_, unit)
    if equal:
        names = join_words([f"{c.variant} (n = {c.n})" for c in equal])
        clauses.append(f"{change.metric} is the same on every seed for {names}")
    clauses[0] = f"From A to B, {clauses[0]}"
    return clauses + phrases.caveats(change.comparison, contrasts)


def notes(change: Change) -> list[str]:
    """Return what limits the comparison, one sentence each."""
    sentences = [
        "This comparison was not planned before the trials ran: p is corrected over the variants "
        "and blocks that are compared here, and over nothing else.",
    ]
    shared = [variant for variant in change.variants if variant.shared]
    if shared:
        count = sum(len(variant.shared) for variant in shared)
        names = join_words([_format_shared(variant) for variant in shared])
        sentences.append(
            f"The same run in A and B, and therefore left out of the test: "
            f"{format_count(count, 'trial')}, {names}."
        )
    for name, unmatched in zip("AB", change.unmatched, strict=True):
        if unmatched:
            sentences.append(f"Only in {name}, and not compared: {join_words(unmatched)}.")
    inputs = change.a, change.b
    for name, each in zip("AB", inputs, strict=True):
        sentences += [f"{name}: {notice}" for notice in notices(each.plan, each.rows)]
    hashes = [{row.data_hash for row in each.rows if row.data_hash} for each in inputs]
    if hashes[0] != hashes[1] and all(hashes):
        sentences.append("A and B were trained on different data, which may cause a difference.")
    return sentences


def differing(change: Change) -> list[tuple[str, str]]:
    """Return what else differs between the inputs as name and ``A → B``, settings first."""
    return [*_settings(change), *_environment(change)]


def _format_shared(variant: VariantChange) -> str:
    prefix = "" if variant.a else "all of "
    seeds = ", ".join(map(str, variant.shared))
    return f"{prefix}{variant.label} (seed{'s' * (len(variant.shared) > 1)} {seeds})"


def _settings(change: Change) -> list[tuple[str, str]]:
    """Return the settings in which the trials of a pair differ."""
    differences: dict[str, set[str]] = {}
    for cell, row in change.a.by_cell.items():
        other = change.b.by_cell.get(cell)
        if other is None or cell in change.shared:
            continue
        a, b = _config(change.a, row), _config(change.b, other)
        for key in sorted(a.keys() | b.keys()):
            if a.get(key) != b.get(key):
                differences.setdefault(key, set()).add(f"{_text(a, key)} → {_text(b, key)}")
    return [(key, _join(sorted(texts))) for key, texts in differences.items()]


def _config(own: Input, row: Row) -> dict[str, Any]:
    """Return the trial's configuration by dotted name, without what is outside its key."""
    trial = own.plan.trials.get(row.key) or {}
    outside = trial.get("outside_key", ())
    return dict(_flat({k: v for k, v in trial.get("config", {}).items() if k not in outside}))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield name, value
        return
    for part, inner in value.items():
        yield from _flat(inner, f"{name}.{part}" if name else str(part))


def _text(config: Mapping[str, Any], key: str) -> str:
    value = config.get(key, "none")
    return value if isinstance(value, str) else json.dumps(value)


def _environment(change: Change) -> list[tuple[str, str]]:
    """Return the versions and machines in which the inputs differ."""
    differences = []
    for name, label in (*LABELS.items(), ("data_hash", "Data hash")):
        a, b = _values(change.a, name), _values(change.b, name)
        if a != b:
            differences.append((label, f"{_join(a) or 'unknown'} → {_join(b) or 'unknown'}"))
    return differences


def _values(own: Input, name: str) -> list[str]:
    values = [
        row.data_hash if name == "data_hash" else row.environment.get(name, "") for row in own.rows
    ]
    return sorted(
        {v if isinstance(v, str) else json.dumps(v) for v in values if v not in ("", None)}
    )


def _join(texts: list[str]) -> str:
    more = f" and {len(texts) - _MAX_LISTED} more" if len(texts) > _MAX_LISTED else ""
    return ", ".join(texts[:_MAX_LISTED]) + more
