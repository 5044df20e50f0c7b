"""One job of a Hydra application, in a process that a launcher started.

The job is read from a file of its folder, and its result is written to another one.
"""

import os
import pickle
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from ablab.signals import end_with_parent
from ablab.tracking.files import write_atomic
from ablab.training.settings import ProcessSettings

JOB, RESULT = "job.pickle", "result.pickle"


@dataclass(frozen=True)
class HydraJob:
    """A job with everything that another process needs to run it.

    Attributes:
        context: of the application.
        function: the application's.
        config: of the multirun, from which the job's is composed.
        overrides: of this job.
        number: of this job, from 0.
        state: of Hydra's singletons, and OmegaConf's resolvers.
        folder: working folder of the application.
    """

    context: HydraContext
    function: TaskFunction
    config: DictConfig
    overrides: Sequence[str]
    number: int
    state: Any
    folder: str

    def composed(self) -> DictConfig:
        """Return the configuration of this job."""
        loader = self.context.config_loader
        config = loader.load_sweep_config(self.config, list(self.overrides))
        with open_dict(config):
            config.hydra.job.id = str(self.number)
            config.hydra.job.num = self.number
        return config

    def run(self) -> JobReturn:
        """Run the job in this process."""
        setup_globals()
        Singleton.set_state(self.state)
        os.chdir(self.folder)
        config = self.composed()
        HydraConfig.instance().set_config(config)
        return run_job(
            hydra_context=self.context,
            task_function=self.function,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )


def run_in_folder(folder: Path, _settings: ProcessSettings) -> int:
    """Run the job in a folder, write its result there, and return the exit status."""
    end_with_parent()
    job: HydraJob = pickle.loads((folder / JOB).read_bytes())
    write_atomic(folder / RESULT, to_bytes(job.run()))
    return 0


def to_bytes(result: JobReturn) -> bytes:
    """Return a result as bytes; in the place of what cannot be pickled, an error that names it."""
    failed, value = result.status is JobStatus.FAILED, result._return_value
    try:
        # Some exceptions can be pickled, but not read again.
        pickle.loads(cloudpickle.dumps(result))
    except Exception as fault:
        kind = "exception" if failed else "return value"
        text = f"the {kind} of a job must be one that pickle can copy, got {value!r} ({fault})"
        result.status, result.return_value = JobStatus.FAILED, RuntimeError(text)
    if failed and not getattr(result, "_remote_traceback", None):
        # Before Hydra 1.4 the traceback stays behind, and with it the line that failed.
        result._return_value.add_note("".join(traceback.format_exception(value)))
    return bytes(cloudpickle.dumps(result))
