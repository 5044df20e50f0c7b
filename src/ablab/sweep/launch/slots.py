"""Slots: how many trials run at the same time on the CPUs of this machine."""

import os
import sys
from pathlib import Path

Slot = dict[str, str]  # environment variables of the processes in the slot


def cpu_slots(wanted: int | str, threads: int) -> list[Slot]:
    """Return the slots of a machine whose trials run on the CPU.

    Args:
        wanted: a number, or ``auto``: the number of CPUs of this process divided by ``threads``,
            at least 1.
        threads: CPU threads per trial, >= 1.
    """
    count = max(1, usable_cpus() // threads) if wanted == "auto" else int(wanted)
    return [{} for _ in range(count)]


def usable_cpus() -> int:
    """Return how many CPUs this process may use under its affinity and control group, >= 1."""
    cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min(cpus, int(cgroup_cpus() or cpus)))


def cgroup_cpus(
    proc: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> float | None:
    """Return the smallest CPU quota of this process's control group and its parents, or None.

    Args:
        proc: the file that names the group of the process.
        root: where the groups are mounted: version 2, or the ``cpu`` hierarchy of version 1.
    """
    try:
        lines = [line.split(":", 2) for line in proc.read_text().splitlines()]
    except OSError:
        return None
    quotas = []
    for _, controllers, name in lines:
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "cpu" if controllers else root
        own = base / name.strip("/")
        folders = [own, *own.parents]
        inside = folders[: folders.index(base) + 1]
        quotas += [quota for folder in inside if (quota := _quota(folder)) is not None]
    return min(quotas, default=None)


def _quota(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").is_file():
            allowed, period = (folder / "cpu.max").read_text().split()
        else:
            allowed = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        return int(allowed) / int(period) if int(allowed) > 0 else None
    except (OSError, ValueError):  # no such file, or `max`, which means no quota
        return None
