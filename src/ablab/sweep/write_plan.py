"""Freezing: what a draft adds to the plan that is there, written once, in a part of its own."""

import json
import time
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from ablab.sweep.planning import Draft
from ablab.tracking.plan import Cell, Part, Plan, read_plan, write_part
from ablab.tracking.spec import Spec, read_spec


def write_plan(folder: Path, draft: Draft, command: str) -> tuple[Plan, list[str]]:
    """Bring the plan in ``folder`` up to what is asked, and return it as it then stands.

    Nothing is written where the plan holds everything already. New seeds, variants or blocks are
    an extension of it; a place that another trial now fills makes the whole a new comparison. A
    plan never shrinks.

    Returns:
        The plan, and what the user should know about it, a sentence each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        plan, part, notes = grow(read_plan(folder), draft, command)
        if part is not None:
            write_part(folder, part)
            plan = read_plan(folder) or plan
    return plan, notes


def grow(plan: Plan | None, draft: Draft, command: str) -> tuple[Plan, Part | None, list[str]]:
    """Return the plan as it would stand, the part that is new in it, and what to say about it."""
    part, notes = next_part(plan, draft, command)
    if part is None:
        assert plan is not None
        return plan, None, notes
    before = plan.parts if plan is not None and part.kind == "extension" else ()
    return Plan(draft.sweep, (*before, part)), part, notes


def next_part(plan: Plan | None, draft: Draft, command: str) -> tuple[Part | None, list[str]]:
    """Return the part that a draft adds to a plan, or None, and what to say about it."""
    spec = read_spec(json.loads(json.dumps(draft.spec.as_dict())))
    if plan is None:
        return _part("comparison", draft, spec, draft.cells, command), []
    changed = _changed(plan, draft)
    if changed:
        note = f"{changed} of the plan's cells are other trials now: a new comparison begins."
        return _part("comparison", draft, spec, draft.cells, command), [note]
    old = {cell.id for cell in plan.cells}
    new = tuple(cell for cell in draft.cells if cell.id not in old)
    merged = _merged(plan.spec, spec)
    missing = len(old - {cell.id for cell in draft.cells})
    notes = [f"The plan keeps {missing} trials that were not asked for now."] if missing else []
    if not new and merged == plan.spec:
        return None, notes
    if new:
        notes.append(f"The plan is extended by {len(new)} trials.")
    told = [item for part in plan.parts for item in part.excluded]
    excluded = tuple(item for item in draft.excluded if item not in told)
    return _part("extension", replace(draft, excluded=excluded), merged, new, command), notes


def _changed(plan: Plan, draft: Draft) -> int:
    """Count the places that another trial fills, and the trials that stand at another place."""
    keys = {cell.id: cell.key for cell in plan.cells}
    places = {cell.key: cell.id for cell in plan.cells}
    return sum(
        keys.get(c.id, c.key) != c.key or places.get(c.key, c.id) != c.id for c in draft.cells
    )


def _merged(old: Spec, new: Spec) -> Spec:
    is_whole = old.variants.keys() <= new.variants.keys()
    return replace(
        new,
        seeds=tuple(dict.fromkeys((*old.seeds, *new.seeds))),
        variants={**old.variants, **new.variants},
        blocks={**old.blocks, **new.blocks},
        baseline=new.baseline if is_whole else old.baseline,
    )


def _part(kind: str, draft: Draft, spec: Spec, cells: tuple[Cell, ...], command: str) -> Part:
    trials = {cell.key: draft.trials[cell.key] for cell in cells}
    return Part(kind, time.time(), command, spec, cells, trials, draft.excluded, draft.yaml)
