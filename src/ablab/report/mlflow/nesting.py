"""Nested runs: a parent and its children, as studies and searches log them.

If a parent and a child both have variant, seed and metric, either may be what should be compared.
Only the user knows which, so neither is chosen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from ablab.errors import InputError
from ablab.tracking.foreign import ForeignRun

PARENTS, CHILDREN, ALL = RUNS = ("parents", "children", "all")
_PARENT = "mlflow.parentRunId"
_MAX_LISTED = 4


@dataclass(frozen=True)
class AssignedRun:
    """An MLflow run with its variant, seed and block."""

    variant: str
    seed: int
    block: str
    run: ForeignRun

    @property
    def cell(self) -> tuple[str, int, str]:
        """Variant, seed and block; of the runs that share them, one counts."""
        return self.variant, self.seed, self.block


def newest_per_cell(assigned: Iterable[AssignedRun]) -> list[AssignedRun]:
    """Return one run per cell: the newest finished one, otherwise the newest.

    Args:
        assigned: oldest first.
    """
    counted: dict[tuple[str, int, str], AssignedRun] = {}
    for own in assigned:
        held = counted.get(own.cell)
        if held is None or own.run.status == "FINISHED" or held.run.status != "FINISHED":
            counted[own.cell] = own
    return list(counted.values())


@dataclass(frozen=True)
class Nesting:
    """The nesting of an experiment's runs.

    Attributes:
        runs: all runs of the experiment.
        assigned: those with variant, seed and block.
        metric: the metric compared.
    """

    runs: Sequence[ForeignRun]
    assigned: Sequence[AssignedRun]
    metric: str

    def select(self, level: str) -> list[AssignedRun]:
        """Return the runs of a level.

        Args:
            level: one of `RUNS`, or empty if the user did not state one.

        Raises:
            InputError: no level is stated although parents and children could both count, or the
                stated level has no runs.
        """
        if not level and not self._complete_parents:
            return [a for a in self.assigned if not self._only_groups(a)]
        if not level:
            levels = "; ".join(f"{each} are {self._describe(each)}" for each in RUNS)
            raise InputError(
                "--runs must be parents, children or all where runs lie in others that have "
                f"variant, seed and metric too, got none: {levels}"
            )
        counted = self._of_level(level)
        if not counted:
            raise InputError(f"--runs must leave runs to compare, got {level}, of which none is")
        return counted

    def _of_level(self, level: str) -> list[AssignedRun]:
        if level == ALL:
            return list(self.assigned)
        if level == PARENTS:
            return [a for a in self.assigned if a.run.run_id not in self._parent]
        nested = [a for a in self.assigned if a.run.run_id in self._parent]
        return [a for a in nested if a.run.run_id not in self._complete_parents]

    @cached_property
    def _parent(self) -> Mapping[str, str]:
        """The parent's id by the id of the child."""
        return {run.run_id: run.tags[_PARENT] for run in self.runs if run.tags.get(_PARENT)}

    @cached_property
    def _complete(self) -> frozenset[str]:
        """The ids of the runs with variant, seed, block and metric."""
        return frozenset(a.run.run_id for a in self.assigned if self.metric in a.run.metrics)

    @cached_property
    def _ancestors_of_complete(self) -> frozenset[str]:
        """The ids of the runs that have a complete run nested in them."""
        return self._ancestors(self._complete)

    @cached_property
    def _complete_parents(self) -> frozenset[str]:
        """The ids of the complete runs that have a complete run nested in them."""
        return self._ancestors_of_complete & self._complete

    def _only_groups(self, own: AssignedRun) -> bool:
        """Return whether a run lacks the metric and a run above or below it has it."""
        if own.run.run_id in self._complete:
            return False
        ancestors = self._ancestors([own.run.run_id])
        is_above = own.run.run_id in self._ancestors_of_complete
        return is_above or bool(ancestors & self._complete)

    def _ancestors(self, ids: Iterable[str]) -> frozenset[str]:
        """Return the ids of all runs in which any of these is nested."""
        ancestors: set[str] = set()
        for run_id in ids:
            above = self._parent.get(run_id)
            while above not in (None, run_id) and above not in ancestors:
                ancestors.add(above)
                above = self._parent.get(above)
        return frozenset(ancestors)

    def _describe(self, level: str) -> str:
        """Return what a level would compare: number of runs, of cells, and the means."""
        own = [a for a in self._of_level(level) if a.run.run_id in self._complete]
        cells = len({a.cell for a in own})
        by_variant: dict[str, list[float]] = {}
        for a in newest_per_cell(own):
            by_variant.setdefault(a.variant, []).append(a.run.metrics[self.metric])
        means = [f"{variant} {fmean(values):.6g}" for variant, values in by_variant.items()]
        more = f", and {len(means) - _MAX_LISTED} more variants" if len(means) > _MAX_LISTED else ""
        several = ", of which the newest finished one of each counts" if cells < len(own) else ""
        listed = ", ".join(means[:_MAX_LISTED]) + more
        return (
            f"{len(own)} runs for {cells} combinations of variant, seed and block{several} "
            f"(means: {listed})"
        )
