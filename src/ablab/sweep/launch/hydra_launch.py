"""Runs the jobs of a Hydra application in the slots of this machine (`hydra/launcher=ablab`)."""

import logging
import os
import pickle
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import util
from pathlib import Path
from typing import Any

import cloudpickle
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, setup_globals
from hydra.errors import CompactHydraException
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from ablab.config.content import is_integer
from ablab.sweep.launch.calls import run_calls
from ablab.sweep.launch.hydra_job import JOB, RESULT, HydraJob, run_in_folder
from ablab.sweep.launch.launcher import Launcher
from ablab.sweep.launch.local import processes_on_this_machine
from ablab.text import format_count, format_value
from ablab.training.settings import Devices, ProcessSettings

_LOG = logging.getLogger("ablab")
# Imported once, by the server that forks the jobs, where the application has imported them too.
_LARGE = ("torch", "torchvision", "torchmetrics", "pytorch_lightning", "lightning", "mlflow")
_PRELOAD = "ablab.sweep.launch.hydra_preload"
_ACCELERATORS = ("auto", "cpu", "cuda", "gpu")


def launch(
    application: tuple[HydraContext, TaskFunction, DictConfig],
    options: Sequence[Any],
    overrides: Sequence[Sequence[str]],
    first: int,
) -> list[JobReturn]:
    """Run the jobs and return their results in the order of the overrides.

    A job that raises, or whose process dies, has a result with the status ``FAILED``; the others
    go on.

    Args:
        application: its context, its function, and the configuration of the multirun.
        options: slots, threads, per_gpu and accelerator.
        overrides: of each job.
        first: number of the first job.

    Raises:
        CompactHydraException: an option is wrong.
    """
    launcher, settings = _launcher(*options)
    context, _, config = application
    setup_globals()
    whitelist = getattr(context, "execution_whitelist", None)  # of Hydra 1.4
    more = {} if whitelist is None else {"execution_whitelist": whitelist}
    configure_log(config.hydra.hydra_logging, config.hydra.verbose, **more)
    Path(str(config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
    slots = format_count(launcher.slots, "slot")
    _LOG.info("Launching %s in %s", format_count(len(overrides), "job"), slots)
    state, folder = Singleton.get_state(), os.getcwd()
    jobs = [
        HydraJob(*application, tuple(each), first + number, state, folder)
        for number, each in enumerate(overrides)
    ]
    for job in jobs:
        _LOG.info("\t#%d : %s", job.number, " ".join(filter_overrides(job.overrides)))
    # In multiprocessing's folder, which is removed later even if this process is killed.
    with tempfile.TemporaryDirectory(prefix="jobs-", dir=util.get_temp_dir()) as temporary:
        folders = [Path(temporary, str(job.number)) for job in jobs]
        for job, each in zip(jobs, folders, strict=True):
            each.mkdir()
            (each / JOB).write_bytes(cloudpickle.dumps(job))
        statuses = run_calls(launcher, folders, settings)
        return [_result(*each) for each in zip(jobs, folders, statuses, strict=True)]


def _launcher(
    slots: Any, threads: Any, per_gpu: Any, accelerator: Any
) -> tuple[Launcher, ProcessSettings]:
    """Return the launcher of the options, and the settings of its processes."""
    counts = {"slots": slots, "threads": threads, "per_gpu": per_gpu}
    faults = [
        f"hydra.launcher.{name} must be an integer >= 1{' or auto' if name == 'slots' else ''}, "
        f"got {format_value(value)}"
        for name, value in counts.items()
        if not (is_integer(value) and value >= 1) and (name, value) != ("slots", "auto")
    ]
    if accelerator not in _ACCELERATORS:
        rule, got = f"one of {', '.join(_ACCELERATORS)}", format_value(accelerator)
        faults.append(f"hydra.launcher.accelerator must be {rule}, got {got}")
    if faults:
        raise CompactHydraException("\n".join(faults))  # Hydra prints it without a traceback
    devices = Devices(accelerator)
    preload = ",".join((_PRELOAD, *(m for m in _LARGE if m in sys.modules)))
    launcher = processes_on_this_machine(
        devices, threads, slots, per_gpu, target=run_in_folder, preload=preload
    )
    return launcher, ProcessSettings(devices, threads, launcher.slots)


def _result(job: HydraJob, folder: Path, status: int) -> JobReturn:
    """Return the result that a job has written, or one that says how its process ended."""
    if (folder / RESULT).exists():
        result: JobReturn = pickle.loads((folder / RESULT).read_bytes())
        return result
    result = JobReturn(overrides=list(job.overrides), status=JobStatus.FAILED)
    how = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
    more = " (SIGKILL: out of memory?)" if status == -9 else ""
    result.return_value = RuntimeError(f"job {job.number} {how}{more} and returned nothing")
    return result
