"""The launcher for this machine."""

import sys
from typing import Literal

from ablab.sweep.launch.fork import ForkLauncher
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.launch.slots import make_slots
from ablab.sweep.launch.spawn import SpawnLauncher
from ablab.sweep.launch.subprocess import SubprocessLauncher
from ablab.training.settings import Devices


def local_launcher(
    devices: Devices, threads: int, slots: int | Literal["auto"] = "auto"
) -> Launcher:
    """Return the launcher of this platform: fork on Linux, spawn on macOS, subprocess for DDP.

    Args:
        devices: where trials run; a trial of several processes runs alone on the machine.
        threads: CPU threads of each process.
        slots: number of trials that run at the same time; ``auto``: one per CPU core or GPU.
    """
    if devices.may_be_several:
        return SubprocessLauncher()
    environments = make_slots(slots, threads, devices.accelerator)
    if sys.platform == "darwin":  # a fork of a process that used Apple's libraries may crash
        return SpawnLauncher(environments, threads)
    return ForkLauncher(environments, threads)
