"""Disk space of a lab: of its trials, and of everything else that it holds."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ablab.tracking.address import DATABASE
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, read_plans

_BLOCK = 512  # bytes that st_blocks counts in, by POSIX
_NAMES = {"sweeps": "plans and reports", "cache": "decoded images", "artifacts": "MLflow's store"}


@dataclass(frozen=True)
class Usage:
    """Disk space in bytes, as `du` counts it.

    Attributes:
        trials: by key.
        other: of everything else in the lab, by what it is.
        plans: of the lab.
        damaged: an error message for each damaged plan, whose trials seem to be in no plan.
    """

    trials: Mapping[str, int]
    other: Mapping[str, int]
    plans: tuple[Plan, ...]
    damaged: Mapping[str, str]

    @cached_property
    def sweeps(self) -> dict[str, list[str]]:
        """The sweeps that count each trial, by key; a trial of no plan is missing."""
        sweeps: dict[str, list[str]] = {}
        for plan in self.plans:
            for key in plan.keys:
                sweeps.setdefault(key, []).append(plan.sweep)
        return sweeps

    @property
    def unplanned(self) -> list[str]:
        """The trials that no plan counts, the largest first."""
        return self.by_size(key for key in self.trials if key not in self.sweeps)

    def by_size(self, keys: Iterable[str]) -> list[str]:
        """Return the trials among ``keys`` that the lab has, the largest first."""
        return sorted({*keys} & self.trials.keys(), key=lambda key: (-self.trials[key], key))

    @property
    def total(self) -> int:
        """Bytes of the whole lab."""
        return sum(self.trials.values()) + sum(self.other.values())


def read_usage(lab: Lab) -> Usage:
    """Measure the disk space of a lab."""
    plans, damaged = read_plans(lab)
    trials = {key: size(lab.root / "trials" / key) for key in lab.keys()}  # noqa: SIM118
    other: dict[str, int] = {}
    for path in sorted(lab.root.iterdir()) if lab.root.is_dir() else ():
        if path.name != "trials":
            name = _describe(path.name)
            other[name] = other.get(name, 0) + size(path)
    return Usage(trials, other, tuple(plans), damaged)


def size(path: Path) -> int:
    """Return the disk space of a file, or of a folder with all that it holds, in bytes."""
    total = path.lstat().st_blocks
    if path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                try:
                    total += os.lstat(os.path.join(folder, name)).st_blocks
                except FileNotFoundError:  # removed meanwhile
                    continue
    return total * _BLOCK


def _describe(name: str) -> str:
    return "MLflow's store" if name.startswith(DATABASE) else _NAMES.get(name, name)
