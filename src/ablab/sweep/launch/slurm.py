"""The launcher for SLURM: trials are jobs of an array, and continue when they are requeued."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ablab.sweep.launch.extras import require_package, require_programs
from ablab.sweep.launch.launcher import Launcher
from ablab.training.settings import Devices

if TYPE_CHECKING:
    from submitit import SlurmExecutor

PROGRAMS = ("sbatch", "srun", "sacct", "scancel", "scontrol")
_SIGNAL_SECONDS = 90  # before the end of its time a job gets the signal at which it is requeued


def slurm_launcher(
    devices: Devices,
    threads: int,
    *,
    slots: int = 32,
    max_jobs: int = 1000,
    partition: str | None = None,
    time_minutes: int = 120,
    gpus: int = 0,
    cpus: int | Literal["auto"] = "auto",
    memory_gb: float | None = None,
    requeues: int = 20,
    extra: Mapping[str, Any] | None = None,
) -> Launcher:
    """Return the launcher that submits trials to SLURM through submitit.

    Args:
        devices: where trials run.
        threads: CPU threads of each process.
        slots: number of jobs of an array that run at the same time.
        max_jobs: number of jobs that wait or run; a cluster limits it, and the size of an array.
        partition: of the cluster; None for its default.
        time_minutes: of a job. A trial that needs longer is requeued, and continues from its last
            checkpoint.
        gpus: number of GPUs of a trial.
        cpus: number of CPUs of a trial; ``auto``: ``threads`` for each of its processes.
        memory_gb: of a trial; None for the cluster's default.
        requeues: how often a trial is requeued because its time ended.
        extra: further options of sbatch, such as ``{account: vision, qos: high}``.

    Raises:
        InputError: submitit or a program of SLURM is missing.
    """
    require_package("slurm", "submitit")
    require_programs("slurm", PROGRAMS)
    from ablab.sweep.launch.submitit_jobs import SubmititLauncher

    parameters = {
        "job_name": "ablab",
        "partition": partition,
        "time": time_minutes,
        "gpus_per_node": gpus or None,
        "cpus_per_task": threads * devices.devices if cpus == "auto" else cpus,
        "mem": None if memory_gb is None else f"{round(1024 * memory_gb)}MB",
        "array_parallelism": slots,
        "signal_delay_s": _SIGNAL_SECONDS,
        "additional_parameters": {"requeue": True, **(extra or {})},
    }
    variables = {} if gpus else {"CUDA_VISIBLE_DEVICES": ""}
    make_executor = partial(_executor, parameters, requeues)
    return SubmititLauncher(make_executor, slots, max_jobs, variables)


def _executor(parameters: Mapping[str, Any], requeues: int, folder: Path) -> "SlurmExecutor":
    """Return submitit's executor with the options of sbatch."""
    from submitit import SlurmExecutor

    executor = SlurmExecutor(folder, max_num_timeout=requeues)
    executor.update_parameters(**{k: v for k, v in parameters.items() if v is not None})
    return executor
