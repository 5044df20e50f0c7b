"""Looks: a sweep that trains as many seeds as its answer needs, one look after the other.

``sweep.seeds: {first: 5, then: [10, 15, 20], until: decided}`` plans the trials of the first look.
Each time that a look is settled, the statistics say which variants the answer still needs, and a
part of kind ``look`` adds the next seeds of these. A sweep does not know the reports: the command
gives it their statistics.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ablab.faults import ConfigError
from ablab.formatting import join_all
from ablab.text import format_value
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Part, Plan, read_plan, write_part
from ablab.tracking.spec import Spec

if TYPE_CHECKING:
    from ablab.stats.power import Detectable
    from ablab.sweep.planning import Draft

_SIZES = (5, 10, 20)
_KEPT = ("kind", "metric", "goal", "baseline", "margin")


class Statistics(Protocol):
    """The statistics of a sweep's trials; `ablab.report.interim` has them."""

    def undecided(self, lab: Lab, plan: Plan) -> tuple[str, ...] | None:
        """Return the variants that the next look trains; None while the newest is not settled."""

    def detectable(self, lab: Lab, plan: Plan, sizes: Sequence[int]) -> "Detectable | None":
        """Return what numbers of seeds could detect; None if the spread is not known."""


def sizes_of_interest(spec: Spec) -> Sequence[int]:
    """Return the looks, or the planned number of seeds beside others."""
    if spec.looks is not None:
        return spec.looks.sizes
    return sorted({*_SIZES, *([len(spec.seeds)] if len(spec.seeds) > 2 else [])})


def at_look(plan: Plan | None, draft: "Draft") -> "Draft":
    """Return the draft with the cells of the looks so far alone; without looks as it is.

    Args:
        plan: the plan on disk, if the draft continues it.
        draft: with the seeds of all looks.

    Raises:
        ConfigError: the draft asks another question than the plan, which has looked already.
    """
    looks = draft.spec.looks
    if plan is not None and (looks or plan.spec.looks):
        _check_kept(plan.spec, draft.spec)
        return _restrict(draft, {cell.id for cell in plan.cells}, plan.spec.seeds)
    if looks is None:
        return draft
    first = {cell.id for cell in draft.cells if cell.seed < looks.sizes[0]}
    return _restrict(draft, first, tuple(range(looks.sizes[0])))


def _restrict(
    draft: "Draft", ids: Collection[tuple[str, int, str]], seeds: tuple[int, ...]
) -> "Draft":
    cells = tuple(cell for cell in draft.cells if cell.id in ids)
    return replace(draft, cells=cells, spec=replace(draft.spec, seeds=seeds))


def _check_kept(planned: Spec, asked: Spec) -> None:
    """Refuse a change that the error probability of the looks does not allow for."""
    hint = "copy the YAML to a new name, and no finished trial is trained again"
    rule = "as planned, since the sweep looks at growing numbers of seeds"
    faults = []
    if planned.looks != asked.looks:
        were, are = (str(spec.looks or "a fixed number") for spec in (planned, asked))
        faults.append(f"sweep.seeds must stay {were}, as planned, got {are}; {hint}")
    for key in _KEPT:
        if getattr(planned, key) != getattr(asked, key):
            got = format_value(getattr(asked, key))
            faults.append(f"sweep.{key} must stay {rule}, got {got}; {hint}")
    for key in ("variants", "blocks"):
        changed = getattr(planned, key).keys() ^ getattr(asked, key).keys()
        if changed:
            got = f"others: {', '.join(sorted(changed))}"
            faults.append(f"sweep.{key} must stay {rule}, got {got}; {hint}")
    if faults:
        raise ConfigError(faults)


def advance(
    lab: Lab, plan: Plan, draft: "Draft", statistics: Statistics | None, command: str
) -> tuple[Plan, list[str]]:
    """Add the next look to the plan on disk if the newest is settled and the answer needs more.

    Args:
        lab: with the trials.
        plan: the plan so far.
        draft: with the seeds of all looks.
        statistics: of the trials.
        command: the user's command.

    Returns:
        The plan, and notes for the user.
    """
    if statistics is None or plan.spec.looks is None:
        return plan, []
    variants = statistics.undecided(lab, plan)
    if variants is None:
        return plan, []
    notes = [describe_next(plan, variants)]
    if variants:
        plan = _next_look(lab.sweep_folder(plan.sweep), plan, draft, variants, command)
    return plan, notes


def _next_look(
    folder: Path, plan: Plan, draft: "Draft", variants: Collection[str], command: str
) -> Plan:
    """Add the next look to the plan on disk, unless another process did, and return the plan."""
    assert draft.spec.looks is not None
    from filelock import FileLock  # late: `ablab status` describes looks and locks nothing

    with FileLock(folder / ".lock"):
        current = read_plan(folder)
        if current is None or len(current.parts) != len(plan.parts):
            return current or plan
        planned = len(plan.spec.seeds)
        size = draft.spec.looks.next_after(planned)
        assert size is not None
        cells = tuple(c for c in draft.cells if c.variant in variants and planned <= c.seed < size)
        trials = {cell.key: draft.trials[cell.key] for cell in cells}
        spec = replace(plan.spec, seeds=tuple(range(size)))
        write_part(folder, Part("look", time.time(), command, spec, cells, trials))
        return read_plan(folder) or plan


def describe_looks(plan: Plan) -> list[str]:
    """Return at which look a plan is, and which may follow; none if its seeds are fixed."""
    looks, planned = plan.spec.looks, len(plan.spec.seeds)
    if looks is None:
        return []
    which, later = describe_look(plan), [str(size) for size in looks.sizes if size > planned]
    if not later:
        return [f"{which}, the last one."]
    return [f"{which}; what it decides stops, the rest goes on to n = {join_all(later)} at most."]


def describe_look(plan: Plan) -> str:
    """Return at which look a plan with looks is: ``Look 1 of 3 (n = 5)``."""
    looks, planned = plan.spec.looks, len(plan.spec.seeds)
    assert looks is not None
    return f"Look {looks.sizes.index(planned) + 1} of {len(looks.sizes)} (n = {planned})"


def describe_next(plan: Plan, variants: Sequence[str]) -> str:
    """Return what the newest look left undecided, or that nothing is.

    Args:
        plan: the plan whose newest look is settled.
        variants: those that the next look trains.
    """
    looks = plan.spec.looks
    assert looks is not None
    if not variants:
        return f"{describe_look(plan)} was the last one that the answer needs."
    following = looks.next_after(len(plan.spec.seeds))
    return f"{describe_look(plan)} is done; {join_all(list(variants))} go on to n = {following}."
