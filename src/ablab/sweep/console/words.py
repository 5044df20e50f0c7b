"""How jobs are called and how their figures are written."""

from collections.abc import Sequence

from ablab.sweep.job import Job
from ablab.text import is_accuracy, printable
from ablab.tracking.plan import Cell

_RESULTS = ("finished", "diverged")
_OTHERS = (
    ("failed", "failed"),
    ("damaged", "damaged"),
    ("stopped", "stopped"),
    ("running", "running"),
    ("held", "running elsewhere"),
    ("waiting", "waiting"),
)


def label(cell: Cell, several_blocks: bool) -> str:
    """Return a trial's name, as its run has it: ``relu · seed 3``, the block first if several."""
    own = f"{cell.variant} · seed {cell.seed}"
    return printable(f"{cell.block} · {own}" if several_blocks else own)


def figure(value: float | None, metric: str) -> str:
    """Return a metric's value: accuracies in percent, all else to four digits."""
    if value is None:
        return "–"
    return f"{100 * value:.2f} %" if is_accuracy(metric) else f"{value:.4g}"


def result(job: Job, metric: str) -> str:
    """Return what a job came to, in a few words."""
    completion = job.run.completion if job.run and job.state in ("finished", "diverged") else None
    if completion is None:
        return job.state if not job.reason else f"{job.state}: {printable(job.reason)}"
    value = figure(completion.metrics.get(metric), metric)
    return value if job.state == "finished" else f"diverged ({value})"


def progress(job: Job) -> str:
    """Return how far a job is: ``3/10 97.10 %``, epochs and validation accuracy."""
    if not job.epochs:
        return f"0/{job.max_epochs}"
    accuracy = figure(job.epochs[-1].metrics.get("val/accuracy"), "val/accuracy")
    return f"{len(job.epochs)}/{job.max_epochs} {accuracy}"


def done(jobs: Sequence[Job]) -> int:
    """Return how many jobs have a result: they finished or diverged."""
    return sum(job.state in _RESULTS for job in jobs)


def not_done(jobs: Sequence[Job]) -> str:
    """Return how many jobs are in each other state: ``1 failed, 2 stopped``, or nothing."""
    states = [job.state for job in jobs]
    return ", ".join(f"{states.count(state)} {told}" for state, told in _OTHERS if state in states)


def how_far(jobs: Sequence[Job]) -> str:
    """Return how far a sweep is: ``9 of 12 done, 1 failed, 2 running``."""
    return ", ".join(filter(None, [f"{done(jobs)} of {len(jobs)} done", not_done(jobs)]))


def duration(seconds: float) -> str:
    """Return a time span, rounded to what matters: ``42 s``, ``12 min``, ``3.4 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def stopping(at_once: bool) -> str:
    """Return what is said to a user who has asked to stop."""
    if at_once:
        return "Killing what runs; it goes on from its last checkpoint."
    return "Stopping what runs behind its last checkpoint; Ctrl-C again to kill it at once."
