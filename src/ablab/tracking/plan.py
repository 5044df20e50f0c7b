"""The plan of a sweep: its resolved trials, in numbered parts, each written once.

Reports read plans: the plan, not a tag, maps variant, seed and block to the key of a trial.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ablab.errors import InputError, ResourceError
from ablab.folders import is_file_name
from ablab.tracking.files import DamagedError
from ablab.tracking.lab import Lab
from ablab.tracking.sealed import read_sealed, write_sealed
from ablab.tracking.search import SearchRecord, read_searches
from ablab.tracking.spec import Spec, read_spec
from ablab.tracking.tuning import chosen_by_cell

TUNING = "tuning"  # kind of a part that begins a search


@dataclass(frozen=True)
class Cell:
    """One variant × one seed × one block, and the key of its trial."""

    variant: str
    seed: int
    block: str
    key: str

    @property
    def id(self) -> tuple[str, int, str]:
        """Variant, seed and block, whichever the trial."""
        return self.variant, self.seed, self.block

    @property
    def label(self) -> str:
        """Its name beside its block: ``relu · seed 3``."""
        return f"{self.variant} · seed {self.seed}"


@dataclass(frozen=True)
class TuningCell(Cell):
    """One trial of a search on one of its seeds; never in a comparison.

    Attributes:
        search: id of the search.
        number: of the trial in it, from 0.
    """

    search: str
    number: int

    @property
    def label(self) -> str:
        """Its name beside its block: ``relu · tuning 4 · seed 9000``."""
        return f"{self.variant} · tuning {self.number + 1} · seed {self.seed}"


@dataclass(frozen=True)
class Part:
    """Stores one part of a plan.

    Attributes:
        kind: ``comparison`` (replaces all earlier parts), ``extension`` (adds seeds, variants or
            blocks to them) or ``tuning`` (a search begins, whose trials are in its own record;
            it has no cells).
        time: seconds since 1970.
        command: the user's command, to reproduce it.
        spec: the sweep's question at that time, with the variants and blocks that have cells.
        cells: the cells that this part adds.
        trials: by key: ``config``, ``choices``, ``data_hash``, ``sources``, ``outside_key``.
        excluded: variants or cells left out, each with ``variant``, ``block`` and ``reason``.
        yaml: text of the sweep's YAML at that time; empty without one.
    """

    kind: str
    time: float
    command: str
    spec: Spec
    cells: tuple[Cell, ...]
    trials: Mapping[str, Mapping[str, Any]]
    excluded: tuple[Mapping[str, str], ...] = ()
    yaml: str = ""


@dataclass(frozen=True)
class Plan:
    """Stores the current parts of a plan, from the last comparison on.

    Attributes:
        sweep: name of the sweep and of its folder.
        parts: a comparison, then its extensions; before the first comparison, and for a search
            without one, the last part of kind ``tuning`` alone.
        first_number: number of the comparison's file.
        searches: of hyper-parameters, in the order in which they began.
    """

    sweep: str
    parts: tuple[Part, ...]
    first_number: int = 1
    searches: tuple[SearchRecord, ...] = ()

    @property
    def spec(self) -> Spec:
        """The question of the last part."""
        return self.parts[-1].spec

    @property
    def question(self) -> str:
        """The question in the sweep's YAML, else the sweep's name."""
        return self.spec.question or self.sweep

    @property
    def asked_with(self) -> str:
        """The overrides that changed its trials; the question may name a value that they replaced.

        ``dataset=digits trainer.max_epochs=3``, or empty.
        """
        words = shlex.split(self.parts[0].command)
        overrides = [w for w in words if "=" in w and w[0] not in "-="]
        outside_key = {"hydra"}.union(*(t.get("outside_key", ()) for t in self.trials.values()))
        changes = [o for o in overrides if o.split("=")[0].split(".")[0] not in outside_key]
        return " ".join(sorted(changes)) if words[:2] == ["ablab", "sweep"] else ""

    @property
    def asked(self) -> str:
        """The question, followed by the overrides that changed its trials."""
        return (
            f"{self.question} (asked with {self.asked_with})" if self.asked_with else self.question
        )

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every current cell, each id once."""
        return tuple({cell.id: cell for part in self.parts for cell in part.cells}.values())

    @property
    def is_tuning(self) -> bool:
        """Whether there is no comparison: not yet, or because the sweep is a search alone."""
        return self.parts[0].kind == TUNING

    @property
    def current_searches(self) -> list[SearchRecord]:
        """The searches of the comparison's winners, else the last of each variant and block."""
        used = {each["search"] for each in chosen_by_cell(self.spec.tune).values()}
        if used:
            return [search for search in self.searches if search.id in used]
        return list({(each.variant, each.block): each for each in self.searches}.values())

    @cached_property
    def tuning(self) -> tuple[TuningCell, ...]:
        """The trials of all searches that were asked; no report compares them."""
        return tuple(
            TuningCell(s.variant, int(t["config"]["seed"]), s.block, str(t["key"]), s.id, a.number)
            for s in self.searches
            for a in s.asked
            for t in a.trials
        )

    @property
    def all_cells(self) -> tuple[Cell, ...]:
        """The cells of the comparison, then those of searches."""
        return (*self.cells, *self.tuning)

    @cached_property
    def has_several_blocks(self) -> bool:
        """Whether the cells are of several blocks, so that labels need them."""
        return len({cell.block for cell in self.all_cells}) > 1

    @cached_property
    def trials(self) -> dict[str, Mapping[str, Any]]:
        """Every current trial, by key."""
        return {key: trial for part in self.parts for key, trial in part.trials.items()}

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of all trials that the plan needs, those of searches included."""
        return frozenset(self.trials).union(cell.key for cell in self.all_cells)

    @cached_property
    def initial_weights(self) -> frozenset[str]:
        """The keys of the trials from whose weights its own start (``init_from``)."""
        configs = (trial.get("config", {}) for trial in self.trials.values())
        return frozenset(str(c["init_from"]) for c in configs if c.get("init_from") is not None)


def read_plan(folder: Path) -> Plan | None:
    """Return the plan in a sweep's folder, or None.

    Raises:
        DamagedError: a part was changed since it was written; names the file and the remedy.
    """
    files = sorted(folder.glob("part-*.json"))
    try:
        parts = [_part(file) for file in files]
    except DamagedError as error:
        raise DamagedError(
            f"{error}; move it and the later parts away, and the same `ablab sweep` command plans "
            "again: finished trials stay finished"
        ) from error
    searches = tuple(read_searches(folder).values())
    starts = [i for i, part in enumerate(parts) if part.kind == "comparison"]
    if not starts:
        if not parts or parts[-1].kind != TUNING:
            return None
        return Plan(folder.name, tuple(parts[-1:]), len(parts), searches)
    current = tuple(part for part in parts[starts[-1] :] if part.kind != TUNING)
    return Plan(folder.name, current, starts[-1] + 1, searches)


def find_plan(lab: Lab, sweep: str) -> Plan:
    """Return the plan of a sweep: the one of that name, else its only one with changed trials.

    Args:
        lab: the lab.
        sweep: name on disk, ``activations`` or ``activations [dataset=digits]``.

    Raises:
        InputError: there is none, or several; the message lists the existing ones.
        DamagedError: it is damaged.
    """
    known = lab.sweeps()
    chosen = find_sweep(known, sweep)
    plan = read_plan(lab.sweep_folder(chosen))
    if plan is None:
        raise _unknown_sweep(known, sweep)
    return plan


def find_sweep(known: Sequence[str], sweep: str) -> str:
    """Return the known sweep of a name: the one of that name, else its only one with overrides.

    Raises:
        InputError: there is none, or several.
    """
    changed = [each for each in known if each.startswith(f"{sweep} [")]
    if sweep in known:
        return sweep
    if len(changed) == 1:
        return changed[0]
    raise _unknown_sweep(known, sweep)


def _unknown_sweep(known: Sequence[str], sweep: str) -> InputError:
    name = sweep.partition(" [")[0]
    changed = [each for each in known if each.startswith(f"{name} [")]
    listed = ", ".join(changed or known) or "none yet (ablab sweep NAME makes one)"
    return InputError(f"sweep must be one that was planned: {listed}; got {sweep}")


def read_plans(lab: Lab) -> tuple[list[Plan], dict[str, str]]:
    """Return a lab's plans, alphabetically, and an error message for each damaged one."""
    plans, damaged = [], {}
    for sweep in lab.sweeps():
        try:
            plan = read_plan(lab.sweep_folder(sweep))
        except (DamagedError, ResourceError) as error:
            damaged[sweep] = str(error)
        else:
            plans += [plan] if plan is not None else []
    return plans, damaged


def write_part(folder: Path, part: Part) -> Path:
    """Write the next numbered part and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{len(list(folder.glob('part-*.json'))) + 1:03d}.json"
    cells = [vars(cell) for cell in part.cells]  # asdict would copy the trials
    write_sealed(path, {**vars(part), "spec": part.spec.as_dict(), "cells": cells})
    return path


def _part(path: Path) -> Part:
    """Return the part in a file.

    Raises:
        DamagedError: the file has no valid part.
    """
    content = read_sealed(path)
    if content is None:
        raise DamagedError(f"{path} must exist, got no file")
    try:
        cells = tuple(Cell(**cell) for cell in content.pop("cells"))
        spec, excluded = read_spec(content["spec"]), tuple(content["excluded"])
        part = Part(**content | {"spec": spec, "cells": cells, "excluded": excluded})
        _check_types(part)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise DamagedError(f"{path} must be a part of a plan, got other content") from error
    return part


def _check_types(part: Part) -> None:
    """Raise `TypeError` if a part without a checksum, of ablab 0.1, has values of other types."""
    texts = [x for c in part.cells for x in (c.variant, c.block, c.key)]
    maps = [part.trials, *part.trials.values(), *part.excluded]
    if not all(isinstance(text, str) for text in (part.kind, part.command, *texts)):
        raise TypeError
    if not all(isinstance(m, dict) for m in maps) or not isinstance(part.time, int | float):
        raise TypeError
    if not all(map(is_file_name, part.trials)):  # a key names a folder
        raise TypeError
    if not {cell.key for cell in part.cells} <= part.trials.keys():
        raise TypeError
