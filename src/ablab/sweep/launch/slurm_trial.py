"""What a job of SLURM runs: one trial, which continues when the job is requeued."""

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.errors import TERMINATED
from ablab.signals import STACK_SIGNAL
from ablab.sweep.launch.trial_process import MODULE, TrialProcess
from ablab.training.settings import ProcessSettings

if TYPE_CHECKING:
    from submitit.core.utils import DelayedSubmission

# SLURM sends SIGTERM before the signal at which submitit requeues a job that is preempted.
_REQUEUE_SECONDS = 5.0


class SlurmTrial:
    """Trains a run in a child process; submitit calls it in the job, and `checkpoint` on a signal.

    Args:
        folder: of the run.
        settings: of `ablab.training.process.run_process`.
        module: the child's program.
        variables: added to the child's environment.
    """

    def __init__(
        self,
        folder: Path,
        settings: ProcessSettings,
        module: str = MODULE,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._arguments = folder, settings, module, variables
        self._process: TrialProcess | None = None

    def __call__(self) -> int:
        """Train and return the exit status of the child, negative for a signal."""
        # A signal that is sent to the job reaches each of its processes, this one too.
        signal.signal(STACK_SIGNAL, signal.SIG_IGN)
        self._process = TrialProcess(*self._arguments)
        status = self._process.run()
        if status == TERMINATED:
            time.sleep(_REQUEUE_SECONDS)
        return status

    def checkpoint(self) -> "DelayedSubmission":
        """Stop the child at its last checkpoint, and return what the requeued job runs."""
        from submitit.core.utils import DelayedSubmission

        if self._process is not None:
            self._process.stop()
        return DelayedSubmission(SlurmTrial(*self._arguments))
