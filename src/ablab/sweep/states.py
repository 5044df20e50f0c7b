"""The states of a plan's trials, read from the disk whether or not the sweep runs."""

from collections.abc import Mapping, Sequence

from ablab.sweep.job import Job, last_failure
from ablab.tracking.lab import Lab


def states(lab: Lab, jobs: Sequence[Job]) -> Mapping[str, str]:
    """Return the state on disk of each open job, by key: running, failed, stopped or new."""
    open_keys = [job.cell.key for job in jobs if job.is_open]
    return {key: runs[-1].status() if (runs := lab.runs(key)) else "new" for key in open_keys}


def read_states(lab: Lab, jobs: Sequence[Job]) -> None:
    """Set the state of each job as it is on disk."""
    for job in jobs:
        if (result := lab.result(job.cell.key)) is not None:
            job.finish(*result)
        elif runs := lab.runs(job.cell.key):
            job.run, state = runs[-1], runs[-1].status()
            job.read_journal()
            job.state = "waiting" if state == "new" else state
            if state == "failed":
                job.reason = last_failure(job.run) or ""
            if state == "damaged":
                job.reason = runs[-1].damage()
