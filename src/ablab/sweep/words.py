"""How jobs are called and how their figures are written."""

from ablab.sweep.job import Job
from ablab.text import printable
from ablab.tracking.plan import Cell


def label(cell: Cell, several_blocks: bool) -> str:
    """Return a trial's name, as its run has it: ``relu · seed 3``, the block first if several."""
    own = f"{cell.variant} · seed {cell.seed}"
    return printable(f"{cell.block} · {own}" if several_blocks else own)


def figure(value: float | None, metric: str) -> str:
    """Return a metric's value: accuracies in percent, all else to four digits."""
    if value is None:
        return "–"
    return f"{100 * value:.2f} %" if metric.endswith("accuracy") else f"{value:.4g}"


def result(job: Job, metric: str) -> str:
    """Return what a job came to, in a few words."""
    completion = job.take.completion if job.take and job.state in ("finished", "diverged") else None
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
