"""Writing the plan: adds the new cells of a draft to the plan on disk, as a part of its own."""

import json
import time
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from ablab.sweep.looks import at_look
from ablab.sweep.planning import Draft
from ablab.tracking.plan import Cell, Part, Plan, read_plan, write_part
from ablab.tracking.spec import Spec, read_spec
from ablab.tracking.tuning import is_tuned_otherwise, merge_tuning


def write_plan(folder: Path, draft: Draft, command: str) -> tuple[Plan, list[str]]:
    """Extend the plan in ``folder`` by what is new in the draft, and return the plan.

    Nothing is written if the plan contains the draft already. New seeds, variants or blocks
    extend the plan; a cell that is another trial now starts a new comparison. A plan never
    shrinks.

    Returns:
        The plan, and notes for the user, one sentence each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Without the lock two commands of one sweep could both write the same part.
    with FileLock(folder / ".lock"):
        plan, part, notes = extend_plan(read_plan(folder), draft, command)
        if part is not None:
            write_part(folder, part)
            plan = read_plan(folder) or plan
    return plan, notes


def extend_plan(
    plan: Plan | None, draft: Draft, command: str
) -> tuple[Plan, Part | None, list[str]]:
    """Return the extended plan, the part that is new in it or None, and notes for the user."""
    part, notes = _new_part(plan, draft, command)
    if part is None:
        assert plan is not None
        return plan, None, notes
    searches = () if plan is None else plan.searches
    before = plan.parts if plan is not None and part.kind == "extension" else ()
    return Plan(draft.sweep, (*before, part), searches=searches), part, notes


def _new_part(plan: Plan | None, draft: Draft, command: str) -> tuple[Part | None, list[str]]:
    spec = read_spec(json.loads(json.dumps(draft.spec.as_dict())))
    is_first = plan is None or plan.is_tuning
    changed = 0 if plan is None or is_first else _count_changed(plan, draft)
    retuned = plan is not None and not is_first and is_tuned_otherwise(plan.spec.tune, spec.tune)
    draft = at_look(None if is_first or changed or retuned else plan, replace(draft, spec=spec))
    spec = draft.spec
    if plan is None or is_first:
        return _make_part("comparison", draft, spec, draft.cells, command), []
    if changed:
        note = f"{changed} of the plan's cells are other trials now: a new comparison begins."
        return _make_part("comparison", draft, spec, draft.cells, command), [note]
    if retuned:
        note = "Its variants are tuned in another way now: a new comparison begins."
        return _make_part("comparison", draft, spec, draft.cells, command), [note]
    old = {cell.id for cell in plan.cells}
    new = tuple(cell for cell in draft.cells if cell.id not in old)
    merged = _merge_specs(plan.spec, spec)
    missing = len(old - {cell.id for cell in draft.cells})
    note = f"The plan keeps {missing} trials that this command did not ask for."
    notes = [note] if missing else []
    if not new and merged == plan.spec:
        return None, notes
    if new:
        notes.append(f"The plan is extended by {len(new)} trials.")
    known = [item for part in plan.parts for item in part.excluded]
    excluded = tuple(item for item in draft.excluded if item not in known)
    return _make_part("extension", replace(draft, excluded=excluded), merged, new, command), notes


def _count_changed(plan: Plan, draft: Draft) -> int:
    """Count the cells whose trial changed, and the trials that moved to another cell."""
    keys = {cell.id: cell.key for cell in plan.cells}
    cells = {cell.key: cell.id for cell in plan.cells}
    return sum(
        keys.get(c.id, c.key) != c.key or cells.get(c.key, c.id) != c.id for c in draft.cells
    )


def _merge_specs(old: Spec, new: Spec) -> Spec:
    has_all_variants = old.variants.keys() <= new.variants.keys()
    return replace(
        new,
        seeds=tuple(dict.fromkeys((*old.seeds, *new.seeds))),
        variants={**old.variants, **new.variants},
        blocks={**old.blocks, **new.blocks},
        baseline=new.baseline if has_all_variants else old.baseline,
        tune=merge_tuning(old.tune, new.tune),
    )


def _make_part(kind: str, draft: Draft, spec: Spec, cells: tuple[Cell, ...], command: str) -> Part:
    trials = {cell.key: draft.trials[cell.key] for cell in cells}
    return Part(kind, time.time(), command, spec, cells, trials, draft.excluded, draft.yaml)
