"""One side of a comparison: a sweep's trials, in one lab, at one commit or as they count."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ablab.errors import InputError
from ablab.report.analysis.trials import Row, read_table
from ablab.tracking.completion import completion_sha
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, find_plan

Place = tuple[str, str, int]


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        name: as it was asked for.
        lab: where its trials lie.
        plan: its sweep's.
        commit: the beginning of the commit whose takes count; empty: as a report counts.
        rows: its trials.
    """

    name: str
    lab: Lab
    plan: Plan
    commit: str
    rows: tuple[Row, ...]

    @cached_property
    def by_place(self) -> dict[Place, Row]:
        """The rows by block, variant and seed."""
        return {(row.block, row.variant, row.seed): row for row in self.rows}

    @property
    def asked(self) -> str:
        """Its name, and the overrides that changed its trials where the name does not tell."""
        changes = self.plan.asked_with
        told = not changes or changes in self.name
        return self.name if told else f"{self.name} (asked with {changes})"

    @property
    def open(self) -> int:
        """How many trials may still bring something; none at a commit that is past."""
        return 0 if self.commit else sum(not row.is_settled for row in self.rows)


def read_side(text: str, lab: Lab) -> Side:
    """Return a side by its name: ``SWEEP``, ``LAB:SWEEP``, and ``@COMMIT`` behind either.

    Args:
        text: the sweep as `ablab status` shows it, overrides in brackets; the folder of another
            lab before it; the beginning of a commit behind it.
        lab: the lab of a sweep that names none.

    Raises:
        InputError: there is no such lab, sweep or commit; names those there are.
    """
    folder, _, rest = text.rpartition(":")
    lab = _lab(folder) if folder else lab
    sweep, commit = rest, ""
    if "@" in rest and rest not in lab.sweeps():
        sweep, _, commit = rest.rpartition("@")
    plan = find_plan(lab, sweep)
    rows = read_table(lab, plan, commit)
    if commit and not any(row.folder for row in rows):
        known = ", ".join(sorted({c[:12] for c in _commits(lab, plan)})) or "none yet"
        raise InputError(f"commit must be that of a run of {plan.sweep} ({known}), got {commit}")
    return Side(text, lab, plan, commit, rows)


def read_sides(a: str, b: str, lab: Lab) -> tuple[Side, Side]:
    """Return both sides.

    Raises:
        InputError: one is not there, or they ask for different metrics.
    """
    sides = read_side(a, lab), read_side(b, lab)
    metrics = [side.plan.spec.metric for side in sides]
    if metrics[0] != metrics[1]:
        raise InputError(f"both sides must have one metric, got {' and '.join(metrics)}")
    return sides


def are_one(a: Row, b: Row) -> bool:
    """Tell whether two rows show one run of one trial, be it copied from lab to lab."""
    if a.key != b.key or a.folder is None or b.folder is None:
        return False
    if a.folder.resolve() == b.folder.resolve():
        return True
    try:
        return completion_sha(a.folder) == completion_sha(b.folder)
    except FileNotFoundError:
        return False


def _lab(folder: str) -> Lab:
    root = Path(folder).expanduser()
    for found in (root, root / "lab"):
        if (found / "lab.json").is_file():
            return Lab(found)
    raise InputError(f"lab must be a folder that holds lab.json, got {folder}")


def _commits(lab: Lab, plan: Plan) -> Iterator[str]:
    for cell in plan.cells:
        for run in lab.runs(cell.key):
            yield str(run.environment.get("commit") or "")
