"""The launcher for this machine."""

import sys
from collections.abc import Sequence
from typing import Literal

from ablab.sweep.launch.fork import ForkLauncher
from ablab.sweep.launch.gpu_launcher import GPULauncher
from ablab.sweep.launch.gpu_locks import GPULocks
from ablab.sweep.launch.gpus import gpu_slots, group_slots, visible_gpus
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.launch.server import PRELOAD
from ablab.sweep.launch.slots import Slot, cpu_slots
from ablab.sweep.launch.spawn import SpawnLauncher
from ablab.sweep.launch.subprocess import SubprocessLauncher
from ablab.sweep.launch.worker import Target, train
from ablab.training.settings import Devices


def local_launcher(
    devices: Devices, threads: int, slots: int | Literal["auto"] = "auto", per_gpu: int = 1
) -> Launcher:
    """Return the launcher of this platform: fork on Linux, spawn on macOS, subprocess for DDP.

    Args:
        devices: where trials run. On the CPU, a trial of several processes runs alone on the
            machine; on GPUs, each such trial has its own.
        threads: CPU threads of each process.
        slots: number of trials that run at the same time; ``auto``: one per CPU core, or
            ``per_gpu`` per GPU.
        per_gpu: number of trials that share a GPU.
    """
    return processes_on_this_machine(devices, threads, slots, per_gpu)


def processes_on_this_machine(
    devices: Devices,
    threads: int,
    slots: int | Literal["auto"],
    per_gpu: int,
    *,
    target: Target = train,
    preload: str = PRELOAD,
) -> Launcher:
    """Return a launcher whose processes call ``target``; the other arguments as above.

    Args:
        devices: see `local_launcher`.
        threads: likewise.
        slots: likewise.
        per_gpu: likewise.
        target: ``(folder, settings) -> status``, a function of a module; for DDP always training.
        preload: modules that a server imports before it forks, separated by commas.
    """
    gpus = visible_gpus() if devices.accelerator in ("auto", "gpu", "cuda") else []
    if not gpus:
        number = 1 if devices.may_be_several else slots
        return _processes(devices, threads, cpu_slots(number, threads), target, preload)
    if devices.may_be_several:
        on_gpus = group_slots(gpus, slots, devices.devices)
    else:
        on_gpus = gpu_slots(gpus, slots, per_gpu)
    environments = [slot.environment for slot in on_gpus]
    return GPULauncher(
        _processes(devices, threads, environments, target, preload), GPULocks(on_gpus)
    )


def _processes(
    devices: Devices, threads: int, slots: Sequence[Slot], target: Target, preload: str
) -> Launcher:
    """Return the launcher that starts the processes of trials in slots."""
    if devices.may_be_several:
        return SubprocessLauncher(slots=slots)
    if sys.platform == "darwin":  # a fork of a process that used Apple's libraries may crash
        return SpawnLauncher(slots, threads, target)
    return ForkLauncher(slots, threads, target, preload)
