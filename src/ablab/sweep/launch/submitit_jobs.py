"""The launcher that submits trials as arrays of jobs, through submitit."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.errors import BUG, NO_RESOURCE, TERMINATED
from ablab.sweep.launch.launcher import Worker
from ablab.sweep.launch.slurm_trial import SlurmTrial
from ablab.sweep.launch.trial_process import MODULE
from ablab.text import LONGEST_VALUE, escape_controls, shorten
from ablab.tracking.run import Run
from ablab.training.settings import ProcessSettings

if TYPE_CHECKING:
    from submitit.core.core import Executor, Job

FOLDER = "slurm"  # in the lab: scripts, pickles and output of jobs
POLL_SECONDS = 2.0  # between two looks at a job


class SubmititWorker:
    """One attempt, in a job that waits in a queue or runs on another machine."""

    def __init__(self, trial: SlurmTrial) -> None:
        self.trial = trial
        self.job: Job[int] | None = None
        self._status: int | None = None
        self._reason, self._next_look = "", 0.0

    def poll(self) -> int | None:
        """Return the exit status of the trial, or None while the job waits or runs."""
        now = time.monotonic()
        if self._status is None and self.job is not None and now >= self._next_look:
            self._next_look = now + POLL_SECONDS
            if self.job.done():
                self._status, self._reason = _end_of(self.job)
        return self._status

    def explain(self) -> str:
        """Return why the job ended without the trial's own status, else an empty text."""
        return self._reason

    def refuse(self, reason: str) -> None:
        """End before the start: the cluster does not accept the job."""
        self._status, self._reason = NO_RESOURCE, reason

    def stop(self) -> None:
        """Cancel the job: SLURM sends SIGTERM, at which the trial keeps its last checkpoint."""
        if self.job is None:
            self._status = TERMINATED
        else:
            self.job.cancel(check=False)

    def kill(self) -> None:
        """Cancel the job by SIGKILL."""
        if self.job is None:
            self._status = TERMINATED
        elif self._status is None:
            self._signal("KILL")
            self.job.cancel(check=False)

    def dump_stack(self) -> None:
        """Send the signal at which a process writes its stack to its log."""
        if self.job is not None:
            self._signal("USR1")

    def _signal(self, name: str) -> None:
        assert self.job is not None
        command = ["scancel", f"--signal={name}", self.job.job_id]
        subprocess.run(command, check=False, capture_output=True)


class SubmititLauncher:
    """Submits all runs that are started in one round as one array of jobs.

    Args:
        make_executor: called once with the folder for the files of jobs.
        slots: number of jobs of an array that run at the same time, >= 1.
        capacity: number of jobs that wait or run, >= 1.
        variables: added to the environment of each trial.
        module: the program of a trial.
    """

    def __init__(
        self,
        make_executor: "Callable[[Path], Executor]",
        slots: int,
        capacity: int,
        variables: Mapping[str, str] | None = None,
        module: str = MODULE,
    ) -> None:
        self.capacity = max(slots, capacity)
        self._make_executor, self._slots, self._module = make_executor, slots, module
        self._variables = variables
        self._executor: Executor | None = None
        self._new: list[SubmititWorker] = []
        self._submitted: list[SubmititWorker] = []

    @property
    def slots(self) -> int:
        """Number of trials that run at the same time."""
        return self._slots

    def is_ready(self) -> bool:
        """Return True: a start does not wait."""
        return True

    def start(self, run: Run, settings: ProcessSettings, slot: int) -> SubmititWorker:
        """Add a run to the next array."""
        if self._executor is None:
            self._executor = self._make_executor(run.folder.parents[2] / FOLDER)
        trial = SlurmTrial(run.folder.absolute(), settings, self._module, self._variables)
        self._new.append(SubmititWorker(trial))
        return self._new[-1]

    def wait(self, workers: Sequence[Worker], seconds: float) -> None:
        """Submit the new runs, and wait."""
        new = [worker for worker in self._new if worker.poll() is None]
        self._new = []
        if new:
            self._submit(new)
        time.sleep(seconds)

    def _submit(self, workers: Sequence[SubmititWorker]) -> None:
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        assert self._executor is not None
        try:
            jobs = self._executor.submit_array([worker.trial for worker in workers])
        except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            got = shorten(escape_controls(lines[-1]), LONGEST_VALUE)
            for worker in workers:
                worker.refuse(f"sbatch must accept the jobs, got {got}")
            return
        for worker, job in zip(workers, jobs, strict=True):
            worker.job = job
        self._submitted += workers

    def close(self) -> None:
        """Cancel the jobs that wait or run."""
        for worker in self._submitted:
            if worker.poll() is None:
                worker.stop()


def _end_of(job: "Job[int]") -> tuple[int, str]:
    """Return the exit status of a job that is done, and the reason if it is not the trial's."""
    from submitit.core.utils import UncompletedJobError

    if not job.paths.result_pickle.exists():
        return BUG, f"SLURM ended job {job.job_id}: {job.state}; see {job.paths.stderr}"
    try:
        status = job.result()
    except UncompletedJobError as error:
        lines = [line for line in str(error).splitlines() if line.startswith("submitit.")]
        return BUG, f"job {job.job_id} ended: {lines[-1] if lines else error}"
    if status == 0:
        for path in job.paths.folder.glob(f"{job.job_id}_*"):
            path.unlink(missing_ok=True)
    return status, ""
