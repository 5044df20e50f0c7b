"""What may be said of two sides: what changed beyond noise, and what else differs between them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ablab.report.analysis.trials import Row
from ablab.report.compare.change import Cell, Change
from ablab.report.compare.inputs import Side
from ablab.report.formatting import listed
from ablab.report.text import phrases
from ablab.report.text.provenance import LABELS, notices

_LISTED = 8


def sentence(change: Change) -> str:
    """Return what changed from A to B, or why that cannot be said."""
    return "; ".join(_clauses(change)) + "."


def _clauses(change: Change) -> list[str]:
    for side in (change.a, change.b):
        if side.open:
            done = len(side.rows) - side.open
            return [f"No answer yet, {side.name} still runs: {done} of {len(side.rows)} are done"]
    cells = [cell for cell in change.cells if cell.contrast.n]
    if not cells:
        why = (
            "all trials that both have are one and the same" if change.shared else "no trial pairs"
        )
        return [f"Nothing to compare: {why}"]
    unit, contrasts = change.unit, [cell.contrast for cell in cells]
    n = max(c.n for c in contrasts)
    if n < 3:
        told = listed([f"{c.variant} {phrases.differences(c, unit)}" for c in contrasts])
        return [f"No answer from n = {n}: a test needs three seeds or more", f"B minus A is {told}"]
    moved = [c for c in contrasts if c.result != "open"]
    still = [c for c in contrasts if c.result == "open" and c.n > 2 and not c.differences.any()]
    open_ = [c for c in contrasts if c.result == "open" and c not in still]
    clauses = [
        f"{c.variant} {'rises' if c.mean > 0 else 'falls'} by {phrases.effect(c, unit)}"
        for c in moved
    ]
    if open_:
        clauses.append(f"no change was detected for {phrases.ranges(open_, unit)}")
        clauses += phrases.minimum_detectable_difference(open_, unit, "cell")
    if still:
        names = listed([f"{c.variant} (n = {c.n})" for c in still])
        clauses.append(f"{change.metric} is the same on every seed for {names}")
    clauses[0] = f"From A to B, {clauses[0]}"
    return clauses + phrases.caveats(change.comparison, contrasts)


def notes(change: Change) -> list[str]:
    """Return what a reader must know first."""
    told = [
        "Nobody planned this comparison before the trials ran: p is corrected over the variants "
        "and blocks that are compared here, and over nothing else.",
    ]
    shared = [cell for cell in change.cells if cell.shared]
    if shared:
        count = sum(len(cell.shared) for cell in shared)
        names = listed([_shared(cell) for cell in shared])
        told.append(
            f"One and the same on both sides, so that they show no change and are left out of the "
            f"test: {count} trial{'s' * (count > 1)}, {names}."
        )
    for name, alone in zip("AB", change.alone, strict=True):
        if alone:
            told.append(f"Without a counterpart, and not compared, in {name}: {listed(alone)}.")
    for name, side in zip("AB", _sides(change), strict=True):
        told += [f"{name}: {notice}" for notice in notices(side.plan, side.rows)]
    hashes = [{row.data_hash for row in side.rows if row.data_hash} for side in _sides(change)]
    if hashes[0] != hashes[1] and all(hashes):
        told.append(
            "The two sides were given different data: a difference may be that of the data."
        )
    return told


def differing(change: Change) -> list[tuple[str, str]]:
    """Return what else differs between the sides, settings first, as name and ``A → B``."""
    return [*_settings(change), *_facts(change)]


def _shared(cell: Cell) -> str:
    whole = "" if cell.a else "all of "
    seeds = ", ".join(map(str, cell.shared))
    return f"{whole}{cell.label} (seed{'s' * (len(cell.shared) > 1)} {seeds})"


def _sides(change: Change) -> tuple[Side, Side]:
    return change.a, change.b


def _settings(change: Change) -> list[tuple[str, str]]:
    """Return the settings in which the trials of a pair differ."""
    found: dict[str, set[str]] = {}
    for place, row in change.a.by_place.items():
        other = change.b.by_place.get(place)
        if other is None or place in change.shared:
            continue
        a, b = (_config(s, r) for s, r in ((change.a, row), (change.b, other)))
        for key in sorted(a.keys() | b.keys()):
            if a.get(key) != b.get(key):
                found.setdefault(key, set()).add(f"{_text(a, key)} → {_text(b, key)}")
    return [(key, _some(sorted(told))) for key, told in found.items()]


def _config(side: Side, row: Row) -> dict[str, Any]:
    trial = side.plan.trials.get(row.key) or {}
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


def _facts(change: Change) -> list[tuple[str, str]]:
    """Return the versions and machines in which the sides differ."""
    found = []
    for name, label in (*LABELS.items(), ("data_hash", "Data hash")):
        a, b = (_told(side, name) for side in _sides(change))
        if a != b:
            found.append((label, f"{_some(a) or 'not known'} → {_some(b) or 'not known'}"))
    return found


def _told(side: Side, name: str) -> list[str]:
    values = [
        row.data_hash if name == "data_hash" else row.environment.get(name, "") for row in side.rows
    ]
    return sorted(
        {v if isinstance(v, str) else json.dumps(v) for v in values if v not in ("", None)}
    )


def _some(texts: list[str]) -> str:
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more
