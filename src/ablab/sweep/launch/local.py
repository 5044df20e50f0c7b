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
    """Return what starts trials on this machine.

    Args:
        devices: where trials run; one of several processes has the machine to itself.
        threads: CPU threads of each process.
        slots: how many trials run side by side; ``auto``: one a CPU core or GPU.
    """
    if devices.may_be_several:
        return SubprocessLauncher()
    places = make_slots(slots, threads, devices.accelerator)
    if sys.platform == "darwin":  # where a fork of a process that used Apple's libraries may crash
        return SpawnLauncher(places, threads)
    return ForkLauncher(places, threads)
