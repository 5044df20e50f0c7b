"""Diagnostics of a lab and its machine: what there is, what is wrong, and what to do."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch

from ablab import folders
from ablab.catalogue.machine_problems import machine_problems
from ablab.config.compose import components
from ablab.config.groups import AXES
from ablab.config.preflight import device_notes
from ablab.disk import free_bytes
from ablab.errors import AblabError
from ablab.formatting import format_size
from ablab.text import format_count
from ablab.tracking.address import VARIABLE, hide_password
from ablab.tracking.damage import find_damage
from ablab.tracking.lab import Lab
from ablab.tracking.leftovers import leftover_problems, lock_notes, lock_problems
from ablab.tracking.problem import Problem
from ablab.tracking.store_check import store_notes, store_problems
from ablab.training.environment import describe_environment

_SCHEMA = 1
_WIDTH = 20


@dataclass(frozen=True)
class Finding:
    """A problem, and what was done about it.

    Attributes:
        problem: the problem.
        done: what was done, or why it failed; empty if nothing was.
        is_solved: whether it is gone.
    """

    problem: Problem
    done: str = ""
    is_solved: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What `ablab doctor` found.

    Attributes:
        machine: names and values, as in `findings`.
        found: the problems.
        notes: remarks on what is no fault.
    """

    machine: Sequence[tuple[str, str]]
    found: Sequence[Finding]
    notes: Sequence[str]

    @property
    def num_left(self) -> int:
        """Number of problems that are not solved."""
        return sum(not finding.is_solved for finding in self.found)


def findings() -> Iterator[tuple[str, str]]:
    """Yield names and values: versions, devices, folders, data, store."""
    for name, value in describe_environment().items():
        if value not in ("", None):
            yield name, str(value)
    yield "GPUs", str(torch.cuda.device_count())
    lab = folders.lab_folder()
    yield "lab", str(lab) if lab.exists() else f"{lab} (created by the first trial)"
    yield "data", str(folders.data_folder())
    for name in ("conf", "sweeps"):
        user_folder = folders.user_folder(name)
        yield f"your ./{name}", str(user_folder) if user_folder else "none"
    yield "free disk", format_size(free_bytes(lab))
    yield "store", hide_password(os.environ.get(VARIABLE, "")) or "the lab's own (SQLite)"
    yield "components", str(sum(len(components(axis)) for axis in AXES))


def examine(lab: Lab, *, fix: bool = False, thorough: bool = False) -> Diagnosis:
    """Check a lab and its machine.

    Args:
        lab: the lab; it need not exist yet.
        fix: do what is safe about each problem. Without it nothing is changed.
        thorough: compare every byte of weights too.
    """
    found = [Finding(problem) for problem in problems(lab, thorough=thorough)]
    if fix and any(finding.problem.fix for finding in found):
        done = [_fix(finding.problem) for finding in found]
        found = _second_look(done, list(problems(lab, thorough=thorough)))
    notes = [*device_notes(), *lock_notes(lab), *store_notes(lab)]
    return Diagnosis(tuple(findings()), tuple(found), tuple(notes))


def problems(lab: Lab, *, thorough: bool = False) -> Iterator[Problem]:
    """Yield everything that is wrong, with what to do about it."""
    damage = (Problem("damaged", line) for line in find_damage(lab, thorough=thorough))
    return chain(
        damage,
        store_problems(lab),
        lock_problems(lab),
        leftover_problems(lab),
        machine_problems(lab.root),
    )


def to_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield a diagnosis as text: the machine, then one line per problem, note and action."""
    yield from (f"{name:<{_WIDTH}} {value}" for name, value in diagnosis.machine)
    yield from (f"{'note':<{_WIDTH}} {note}" for note in diagnosis.notes)
    for each in diagnosis.found:
        yield f"{each.problem.subject:<{_WIDTH}} {each.problem.text}"
        if each.done:
            yield f"{'  fixed' if each.is_solved else '  not fixed':<{_WIDTH}} {each.done}"
    yield _summary(diagnosis)


def to_json(diagnosis: Diagnosis) -> str:
    """Return a diagnosis as a JSON document."""
    content = {
        "schema": _SCHEMA,
        "machine": dict(diagnosis.machine),
        "problems": [
            {
                "subject": each.problem.subject,
                "text": each.problem.text,
                "fixable": each.problem.fix is not None,
                "fixed": each.is_solved,
                "done": each.done,
            }
            for each in diagnosis.found
        ],
        "notes": list(diagnosis.notes),
    }
    return json.dumps(content, indent=1) + "\n"


def _summary(diagnosis: Diagnosis) -> str:
    left = [each for each in diagnosis.found if not each.is_solved]
    if not left:
        return "Nothing is wrong." if not diagnosis.found else "Nothing is wrong any more."
    count = format_count(len(left), "problem")
    fixable = sum(each.problem.fix is not None and not each.done for each in left)
    return f"{count}; `ablab doctor --fix` solves {fixable} of them" if fixable else count


def _fix(problem: Problem) -> Finding:
    """Do what is safe about a problem."""
    if problem.fix is None:
        return Finding(problem)
    try:
        return Finding(problem, problem.fix())
    except (AblabError, OSError) as error:
        return Finding(problem, f"failed: {error}")


def _second_look(done: Sequence[Finding], left: Sequence[Problem]) -> list[Finding]:
    """Return what was found, solved where it is gone now, and what came up since."""
    texts = {problem.text for problem in left}
    known = {finding.problem.text for finding in done}
    looked = [
        replace(each, is_solved=bool(each.done) and each.problem.text not in texts) for each in done
    ]
    return [*looked, *(Finding(problem) for problem in left if problem.text not in known)]
