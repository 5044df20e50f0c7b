"""Slots: how many trials run side by side here, and which GPU each of them sees."""

import os
import sys
from pathlib import Path

Slot = dict[str, str]  # environment variables of the processes in it


def make_slots(wanted: int | str, threads: int, accelerator: str) -> list[Slot]:
    """Return the slots of this machine.

    Args:
        wanted: a number, or ``auto``: one a GPU where trials run on GPUs, else as many as the
            CPUs of this process hold trials of ``threads``.
        threads: CPU threads a trial, >= 1.
        accelerator: Lightning's word; ``auto`` takes GPUs where torch can use them.
    """
    gpus = visible_gpus() if accelerator in ("auto", "gpu", "cuda") else []
    if gpus:
        count = len(gpus) if wanted == "auto" else int(wanted)
        return [{"CUDA_VISIBLE_DEVICES": gpus[i % len(gpus)]} for i in range(count)]
    count = max(1, usable_cpus() // threads) if wanted == "auto" else int(wanted)
    return [{} for _ in range(count)]


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    import torch

    count = torch.cuda.device_count()
    named = [g for g in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if g]
    return named[:count] if named else [str(i) for i in range(count)]


def usable_cpus() -> int:
    """Return how many CPUs affinity and the control group leave to this process, >= 1."""
    cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, min(cpus, int(cgroup_cpus() or cpus)))


def cgroup_cpus(
    proc: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> float | None:
    """Return the tightest CPU quota from this process's control group upwards, or None.

    Args:
        proc: which group the process is in.
        root: where the groups are mounted; version 2, or version 1's ``cpu`` hierarchy in it.
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
    except (OSError, ValueError):  # no such file, or `max`: no quota
        return None
