"""The inputs of a comparison: the trials of a sweep, in one lab, at one commit or the latest."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ablab.errors import InputError
from ablab.report.analysis.looks import follow
from ablab.report.analysis.table import read_table
from ablab.report.analysis.trials import Row
from ablab.tracking.completion import completion_sha
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, find_plan

CellId = tuple[str, str, int]
"""Block, variant and seed."""


@dataclass(frozen=True)
class Input:
    """One of the two inputs of a comparison.

    Attributes:
        name: the name that the user gave.
        lab: the lab with the trials.
        plan: the plan of the sweep.
        commit: prefix of the commit whose runs are compared; empty for the runs that a report
            counts.
        rows: the trials.
    """

    name: str
    lab: Lab
    plan: Plan
    commit: str
    rows: tuple[Row, ...]

    @cached_property
    def by_cell(self) -> dict[CellId, Row]:
        """The rows by block, variant and seed."""
        return {(row.block, row.variant, row.seed): row for row in self.rows}

    @property
    def description(self) -> str:
        """The name, with the overrides that changed the trials if the name does not have them."""
        changes = self.plan.asked_with
        is_named = not changes or changes in self.name
        return self.name if is_named else f"{self.name} (asked with {changes})"

    @property
    def num_pending(self) -> int:
        """Number of trials that may still get a result; none if a commit is given.

        Of a sweep that needs another look, those that it will plan.
        """
        if self.commit:
            return 0
        progress = follow(self.rows, self.plan.spec)
        planned = progress.num_planned_next if progress else 0
        return planned + sum(not row.is_settled for row in self.rows)


def read_input(text: str, lab: Lab) -> Input:
    """Read an input by its name: ``SWEEP`` or ``LAB:SWEEP``, either followed by ``@COMMIT``.

    Args:
        text: the name. The sweep is named as in `ablab status`, with overrides in brackets; LAB
            is the folder of another lab; COMMIT is the prefix of a commit.
        lab: the lab of a sweep that names none.

    Raises:
        InputError: there is no such lab, sweep or commit; the message lists those there are.
    """
    folder, _, rest = text.rpartition(":")
    lab = open_lab(folder) if folder else lab
    sweep, commit = rest, ""
    if "@" in rest and rest not in lab.sweeps():
        sweep, _, commit = rest.rpartition("@")
    plan = find_plan(lab, sweep)
    rows = read_table(lab, plan, commit)
    if commit and not any(row.folder for row in rows):
        known = ", ".join(sorted({c[:12] for c in _commits(lab, plan)})) or "none yet"
        raise InputError(f"commit must be that of a run of {plan.sweep} ({known}), got {commit}")
    return Input(text, lab, plan, commit, rows)


def read_inputs(a: str, b: str, lab: Lab) -> tuple[Input, Input]:
    """Read both inputs of a comparison.

    Raises:
        InputError: an input does not exist, or their metrics differ.
    """
    inputs = read_input(a, lab), read_input(b, lab)
    metrics = [each.plan.spec.metric for each in inputs]
    if metrics[0] != metrics[1]:
        raise InputError(f"both sweeps must have one metric, got {' and '.join(metrics)}")
    return inputs


def is_same_run(a: Row, b: Row) -> bool:
    """Return whether two rows are the same run of a trial, or copies of it in two labs."""
    if a.key != b.key or a.folder is None or b.folder is None:
        return False
    if a.folder.resolve() == b.folder.resolve():
        return True
    try:
        return completion_sha(a.folder) == completion_sha(b.folder)
    except FileNotFoundError:
        return False


def open_lab(folder: str) -> Lab:
    """Return the lab in a folder, or in its folder ``lab``.

    Raises:
        InputError: there is none.
    """
    root = Path(folder).expanduser()
    for candidate in (root, root / "lab"):
        if (candidate / "lab.json").is_file():
            return Lab(candidate)
    raise InputError(f"lab must be a folder that holds lab.json, got {folder}")


def _commits(lab: Lab, plan: Plan) -> Iterator[str]:
    for cell in plan.cells:
        for run in lab.runs(cell.key):
            yield str(run.environment.get("commit") or "")
