"""The launcher for Ray: each trial is a task of a cluster, on whichever node has room."""

from typing import Literal

from ablab.sweep.launch.extras import require_package
from ablab.sweep.launch.launcher import Launcher
from ablab.training.settings import Devices


def ray_launcher(
    devices: Devices,
    threads: int,
    *,
    address: str = "auto",
    slots: int | Literal["auto"] = "auto",
    gpus: float = 0,
    cpus: int | Literal["auto"] = "auto",
    memory_gb: float | None = None,
    node_retries: int = 3,
) -> Launcher:
    """Return the launcher that runs trials on a Ray cluster, after connecting to it.

    Args:
        devices: where trials run.
        threads: CPU threads of each process.
        address: ``auto``: the cluster that this machine belongs to; ``local``: a new one of this
            machine alone; or ``host:port`` of a cluster's head.
        slots: number of trials that run or wait in Ray's queue; ``auto``: as many as the cluster
            has room for.
        gpus: number of GPUs of a trial; below 1, the share of one.
        cpus: number of CPUs of a trial; ``auto``: ``threads`` for each of its processes.
        memory_gb: of a trial, which Ray reserves; None: none is reserved.
        node_retries: how often a trial continues on another node if its own is lost.

    Raises:
        InputError: Ray is missing, or there is no cluster at the address.
    """
    require_package("ray", "ray")
    from ablab.sweep.launch.ray_cluster import connect
    from ablab.sweep.launch.ray_tasks import RayLauncher, Resources

    connect(address)
    needed = Resources(
        num_cpus=threads * devices.devices if cpus == "auto" else cpus,
        num_gpus=gpus,
        memory=None if memory_gb is None else round(memory_gb * 2**30),
        max_retries=node_retries,
    )
    return RayLauncher(needed, slots)
