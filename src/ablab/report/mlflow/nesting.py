"""Nested runs: a parent that stands for its children, as studies and searches log them.

Where a parent and a child both have variant, seed and metric, either may be what is to be
compared. Nobody but the user knows which, so neither is chosen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from ablab.errors import InputError
from ablab.tracking.foreign import ForeignRun

PARENTS, CHILDREN, ALL = RUNS = ("parents", "children", "all")
_PARENT = "mlflow.parentRunId"
_LISTED = 4


@dataclass(frozen=True)
class Named:
    """A run and the place that it fills."""

    variant: str
    seed: int
    block: str
    run: ForeignRun

    @property
    def place(self) -> tuple[str, int, str]:
        """What two runs must share to be of one place."""
        return self.variant, self.seed, self.block


def newest(found: Iterable[Named]) -> list[Named]:
    """Return one run a place: the newest finished one, else the newest.

    Args:
        found: oldest first.
    """
    counted: dict[tuple[str, int, str], Named] = {}
    for n in found:
        held = counted.get(n.place)
        if held is None or n.run.status == "FINISHED" or held.run.status != "FINISHED":
            counted[n.place] = n
    return list(counted.values())


@dataclass(frozen=True)
class Nesting:
    """Which run lies in which.

    Attributes:
        runs: all of an experiment.
        found: those of them that fill a place.
        metric: what is compared.
    """

    runs: Sequence[ForeignRun]
    found: Sequence[Named]
    metric: str

    def of_level(self, asked: str) -> list[Named]:
        """Return the runs that count.

        Args:
            asked: one of `RUNS`, or empty where the user did not say.

        Raises:
            InputError: parents and children could both count and the user did not say which, or
                there is none of those asked for.
        """
        if not asked and not self._holding:
            return [n for n in self.found if not self._is_bare(n)]
        if not asked:
            told = "; ".join(f"{level} are {self._told(level)}" for level in RUNS)
            raise InputError(
                "--runs must be parents, children or all where runs lie in others that have "
                f"variant, seed and metric too, got none: {told}"
            )
        counted = self._level(asked)
        if not counted:
            raise InputError(f"--runs must leave runs to compare, got {asked}, of which none is")
        return counted

    def _level(self, asked: str) -> list[Named]:
        if asked == ALL:
            return list(self.found)
        if asked == PARENTS:
            return [n for n in self.found if n.run.run_id not in self._parent]
        inner = [n for n in self.found if n.run.run_id in self._parent]
        return [n for n in inner if n.run.run_id not in self._holding]

    @cached_property
    def _parent(self) -> Mapping[str, str]:
        """The parent's id by the child's, of the runs that have one."""
        return {run.run_id: run.tags[_PARENT] for run in self.runs if run.tags.get(_PARENT)}

    @cached_property
    def _fitting(self) -> frozenset[str]:
        """The ids of the runs that have the metric besides a place."""
        return frozenset(n.run.run_id for n in self.found if self.metric in n.run.metrics)

    @cached_property
    def _over(self) -> frozenset[str]:
        """The ids of the runs in which a fitting run lies."""
        return self._above(self._fitting)

    @cached_property
    def _holding(self) -> frozenset[str]:
        """The ids of fitting runs in which a fitting run lies."""
        return self._over & self._fitting

    def _is_bare(self, named: Named) -> bool:
        """Tell whether a run has no metric, and lies in one that has it or holds one."""
        if named.run.run_id in self._fitting:
            return False
        above = self._above([named.run.run_id])
        return named.run.run_id in self._over or bool(above & self._fitting)

    def _above(self, ids: Iterable[str]) -> frozenset[str]:
        """Return the ids of all runs in which any of these lies."""
        found: set[str] = set()
        for run_id in ids:
            above = self._parent.get(run_id)
            while above not in (None, run_id) and above not in found:
                found.add(above)
                above = self._parent.get(above)
        return frozenset(found)

    def _told(self, level: str) -> str:
        """Return what a level would count: how many runs, for how many places, their means."""
        own = [n for n in self._level(level) if n.run.run_id in self._fitting]
        places = len({n.place for n in own})
        by_variant: dict[str, list[float]] = {}
        for n in newest(own):
            by_variant.setdefault(n.variant, []).append(n.run.metrics[self.metric])
        means = [f"{variant} {fmean(values):.6g}" for variant, values in by_variant.items()]
        more = f", and {len(means) - _LISTED} more variants" if len(means) > _LISTED else ""
        many = ", of which the newest finished one of each counts" if places < len(own) else ""
        listed = ", ".join(means[:_LISTED]) + more
        return f"{len(own)} runs for {places} places{many} (means: {listed})"
