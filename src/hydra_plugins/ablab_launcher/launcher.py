"""The plugin: what Hydra looks for when any of its applications starts.

Hydra executes this module at each start of an application, and again whenever it scans its plugins,
so it imports nothing of ablab, and no object of it is pickled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class AblabLauncherConf:
    """The group ``hydra.launcher``, with the options of ablab's own ``launcher``."""

    _target_: str = "hydra_plugins.ablab_launcher.launcher.AblabLauncher"
    slots: Any = "auto"
    threads: Any = 1
    per_gpu: Any = 1
    accelerator: Any = "auto"


ConfigStore.instance().store(
    group="hydra/launcher", name="ablab", node=AblabLauncherConf, provider="ablab"
)


class AblabLauncher(Launcher):
    """Runs each job of a multirun in a process of its own, in the slots of this machine.

    Args:
        slots: number of jobs that run at the same time; ``auto``: one per CPU core, or ``per_gpu``
            per GPU.
        threads: CPU threads of each job.
        per_gpu: number of jobs that share a GPU.
        accelerator: ``auto``, ``gpu`` or ``cpu``, where jobs run.
    """

    def __init__(self, slots: Any, threads: Any, per_gpu: Any, accelerator: Any) -> None:
        self._options = (slots, threads, per_gpu, accelerator)
        self._setup: tuple[HydraContext, TaskFunction, DictConfig] | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what the jobs need."""
        self._setup = hydra_context, task_function, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run the jobs and return their results, in the order of the overrides.

        Args:
            job_overrides: overrides of each job.
            initial_job_idx: number of the first job.
        """
        from ablab.sweep.launch.hydra_launch import launch

        assert self._setup is not None
        return launch(self._setup, self._options, job_overrides, initial_job_idx)
