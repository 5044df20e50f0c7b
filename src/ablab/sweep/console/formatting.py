"""Formats the names, results and counts of jobs."""

from collections.abc import Sequence

from ablab.formatting import format_metric
from ablab.sweep.job import Job
from ablab.text import escape_controls
from ablab.tracking.plan import Cell

_WITH_RESULT = ("finished", "diverged")
_OTHER_STATES = {
    "failed": "failed",
    "damaged": "damaged",
    "pruned": "pruned",
    "stopped": "stopped",
    "running": "running",
    "locked": "running elsewhere",
    "waiting": "waiting",
}


def trial_label(cell: Cell, several_blocks: bool) -> str:
    """Return a trial's name in MLflow: ``relu · seed 3``, with its block if there are several."""
    return escape_controls(f"{cell.block} · {cell.label}" if several_blocks else cell.label)


def format_result(job: Job, metric: str) -> str:
    """Format the result of a job: its metric, else its state and the reason."""
    completion = job.completion if job.state in _WITH_RESULT else None
    if completion is None:
        return job.state if not job.reason else f"{job.state}: {escape_controls(job.reason)}"
    value = format_metric(completion.values.get(metric), metric)
    return value if job.state == "finished" else f"diverged ({value})"


def format_progress(job: Job) -> str:
    """Format a job's epochs and last validation accuracy: ``3/10 97.10 %``."""
    if not job.epochs:
        return f"0/{job.max_epochs}"
    accuracy = format_metric(job.epochs[-1].metrics.get("val/accuracy"), "val/accuracy")
    return f"{len(job.epochs)}/{job.max_epochs} {accuracy}"


def count_done(jobs: Sequence[Job]) -> int:
    """Return the number of jobs that have a result: finished or diverged."""
    return sum(job.state in _WITH_RESULT for job in jobs)


def format_not_done(jobs: Sequence[Job]) -> str:
    """Format the number of jobs in each other state: ``1 failed, 2 stopped``, or empty."""
    counts = {word: sum(j.state == state for j in jobs) for state, word in _OTHER_STATES.items()}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def format_counts(jobs: Sequence[Job], total: int | None = None) -> str:
    """Format the number of jobs in each state: ``9 of 12 done, 1 failed, 2 running``.

    Args:
        jobs: all jobs so far.
        total: their number in the end, where jobs are added meanwhile.
    """
    done = f"{count_done(jobs)} of {total or len(jobs)} done"
    return ", ".join(filter(None, [done, format_not_done(jobs)]))


BLOCKED = "Waits for a GPU: other processes have all that this sweep may use."


def stop_message(at_once: bool) -> str:
    """Return the message for a user who has asked to stop."""
    if at_once:
        return "Killing the running trials; each continues from its last checkpoint next time."
    return (
        "Stopping the running trials at their last checkpoint; Ctrl-C again to kill them at once."
    )
