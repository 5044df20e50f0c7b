"""A plan: a sweep frozen, in numbered parts, each written once.

Reports read plans: the plan, not a tag, says which variant, seed and block a key stands for.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ablab.errors import InputError, ResourceError
from ablab.tracking.files import DamagedError
from ablab.tracking.lab import Lab
from ablab.tracking.sealed import read_sealed, write_sealed
from ablab.tracking.spec import Spec, read_spec

_NOT_TRIALS = ("sweep", "launcher", "devices", "tracking", "probes", "hydra")


@dataclass(frozen=True)
class Cell:
    """One variant × one seed × one block, and the trial that fills it."""

    variant: str
    seed: int
    block: str
    key: str

    @property
    def place(self) -> tuple[str, int, str]:
        """What the cell is, whichever trial fills it."""
        return self.variant, self.seed, self.block


@dataclass(frozen=True)
class Part:
    """One part of a plan.

    Attributes:
        kind: ``comparison`` (stands for itself and replaces what was before) or
            ``extension`` (adds seeds, variants or blocks to the parts before it).
        time: seconds since 1970.
        command: what the user typed, to reproduce it.
        spec: the sweep's question as it then stood, of the variants and blocks that have cells.
        cells: the cells that this part adds.
        trials: key to trial (``config``, ``choices``, ``data_hash``, ``sources``).
        excluded: variants or cells left out, each with ``variant``, ``block`` and ``reason``.
        yaml: text of the sweep's YAML as it then was; empty where there was none.
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
    """The parts that are in force, from the last comparison on.

    Attributes:
        sweep: the sweep's name, which is its folder's.
        parts: a comparison, then its extensions.
        first_number: the number of the comparison's file.
    """

    sweep: str
    parts: tuple[Part, ...]
    first_number: int = 1

    @property
    def spec(self) -> Spec:
        """The question as it stands now."""
        return self.parts[-1].spec

    @property
    def question(self) -> str:
        """The question as the sweep's YAML puts it."""
        return self.spec.question or self.sweep

    @property
    def asked_with(self) -> str:
        """The overrides that changed its trials: the question may name what they replaced.

        ``dataset=digits trainer.max_epochs=3``, or empty.
        """
        words = shlex.split(self.parts[0].command)
        overrides = [w for w in words if "=" in w and w[0] not in "-="]
        changes = [o for o in overrides if o.split("=")[0].split(".")[0] not in _NOT_TRIALS]
        return " ".join(sorted(changes)) if words[:2] == ["ablab", "sweep"] else ""

    @property
    def asked(self) -> str:
        """The question, and in brackets what was changed for it."""
        return (
            f"{self.question} (asked with {self.asked_with})" if self.asked_with else self.question
        )

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell in force, each place once."""
        return tuple({c.place: c for part in self.parts for c in part.cells}.values())

    @cached_property
    def trials(self) -> dict[str, Mapping[str, Any]]:
        """Every trial in force, by key."""
        return {key: trial for part in self.parts for key, trial in part.trials.items()}


def read_plan(folder: Path) -> Plan | None:
    """Return the plan that a sweep's folder holds, or None.

    Raises:
        DamagedError: a part is not as it was written; names the file and the remedy.
    """
    files = sorted(folder.glob("part-*.json"))
    try:
        parts = [_part(file) for file in files]
    except DamagedError as error:
        raise DamagedError(
            f"{error}; move it and the parts behind it away, and the same `ablab sweep` plans "
            "anew: what is finished stays so"
        ) from error
    starts = [i for i, part in enumerate(parts) if part.kind == "comparison"]
    if not starts:
        return None
    return Plan(folder.name, tuple(parts[starts[-1] :]), starts[-1] + 1)


def find_plan(lab: Lab, sweep: str) -> Plan:
    """Return the plan of a sweep: of that very name, else of the only one that changes its trials.

    Args:
        lab: where the plans lie.
        sweep: a name as on disk, ``activations`` or ``activations [dataset=digits]``.

    Raises:
        InputError: there is none, or several; the message lists what there is.
        DamagedError: it is damaged.
    """
    known, name = lab.sweeps(), sweep.partition(" [")[0]
    begun = [each for each in known if each.startswith(f"{name} [")]
    found = begun[0] if sweep not in known and sweep == name and len(begun) == 1 else sweep
    plan = read_plan(lab.sweep_folder(found)) if found in known else None
    if plan is None:
        listed = ", ".join(begun or known) or "none yet (ablab sweep NAME makes one)"
        raise InputError(f"sweep must be one that was planned: {listed}; got {sweep}")
    return plan


def read_plans(lab: Lab) -> tuple[list[Plan], dict[str, str]]:
    """Return the plans of a lab, alphabetically, and for each damaged one what is wrong with it."""
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
    """Write the next numbered part and return its path; parts are never written twice."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{len(list(folder.glob('part-*.json'))) + 1:03d}.json"
    cells = [vars(cell) for cell in part.cells]  # asdict would copy each trial, value by value
    write_sealed(path, {**vars(part), "spec": part.spec.as_dict(), "cells": cells})
    return path


def _part(path: Path) -> Part:
    """Return the part that a file holds.

    Raises:
        DamagedError: it holds none.
    """
    content = read_sealed(path)
    if content is None:
        raise DamagedError(f"{path} must be there, got none")
    try:
        cells = tuple(Cell(**cell) for cell in content.pop("cells"))
        spec, excluded = read_spec(content["spec"]), tuple(content["excluded"])
        part = Part(**content | {"spec": spec, "cells": cells, "excluded": excluded})
        _check_types(part)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise DamagedError(f"{path} must be a part of a plan, got another content") from error
    return part


def _check_types(part: Part) -> None:
    """Raise where a part that nothing seals holds something else than a part does."""
    texts = [x for c in part.cells for x in (c.variant, c.block, c.key)]
    maps = [part.trials, *part.trials.values(), *part.excluded]
    if not all(isinstance(text, str) for text in (part.kind, part.command, *texts)):
        raise TypeError
    if not all(isinstance(m, dict) for m in maps) or not isinstance(part.time, int | float):
        raise TypeError
    if not {cell.key for cell in part.cells} <= part.trials.keys():
        raise TypeError
