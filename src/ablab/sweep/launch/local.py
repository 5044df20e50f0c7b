"""The launcher for this machine."""

import sys
from collections.abc import Mapping
from typing import Any

from ablab.config.threads import cpu_threads
from ablab.sweep.launch.cold import ColdLauncher
from ablab.sweep.launch.forked import ForkLauncher
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.launch.slots import make_slots
from ablab.sweep.launch.spawned import SpawnLauncher


def local_launcher(runtime: Mapping[str, Any]) -> Launcher:
    """Return what starts trials on this machine.

    Args:
        runtime: the groups ``devices`` and ``launcher``, resolved.
    """
    devices, launcher = runtime["devices"], runtime["launcher"]
    if needs_several_processes(devices):
        return ColdLauncher()
    threads = cpu_threads(launcher)
    slots = make_slots(launcher["slots"], threads, devices["accelerator"])
    if sys.platform == "darwin":
        return SpawnLauncher(slots, threads)
    return ForkLauncher(slots, threads)


def needs_several_processes(devices: Mapping[str, Any]) -> bool:
    """Tell whether a trial is more than one process, and so has the machine to itself."""
    return "ddp" in str(devices["strategy"]) or str(devices["devices"]) not in ("1", "auto")
