"""Failures of a sweep: recognizes a hopeless one, and trials that ran out of GPU memory."""

import re
from collections.abc import Sequence

from ablab.sweep.job import Job
from ablab.text import LONGEST_VALUE, format_count, shorten

# A number, or a name with one, such as a key: it differs between failures of one cause.
_NUMBER = re.compile(r"[\w./-]*\d[\w./-]*")
_OUT_OF_MEMORY = re.compile(
    r"OutOfMemoryError|CUDA out of memory|CUDA error: out of memory|_STATUS_ALLOC_FAILED"
)


def repeated_failure(jobs: Sequence[Job], limit: int | None) -> str:
    """Return the reason why trials of this command failed, if it is one and none has finished.

    Args:
        jobs: all jobs of the sweep.
        limit: smallest number of trials that failed for the same reason; None: never.

    Returns:
        The reason of the last of them; empty if there is none.
    """
    if limit is None or any(job.is_new and job.state in ("finished", "diverged") for job in jobs):
        return ""
    reasons = [job.reason for job in jobs if job.state == "failed"]
    causes = {_NUMBER.sub("", reason) for reason in reasons}
    return reasons[-1] if len(reasons) >= limit and len(causes) == 1 else ""


def describe_hopeless(reason: str, failed: int, waiting: int) -> str:
    """Return why a sweep stops: ``failed`` trials, all for one reason, and ``waiting`` others."""
    return (
        f"Stopped: {format_count(failed, 'trial')} failed for the same reason and none finished: "
        f"{shorten(reason, LONGEST_VALUE)}. {format_count(waiting, 'other')} not started; "
        "launcher.max_failures=null starts them."
    )


def is_out_of_memory(reason: str) -> bool:
    """Return whether a trial failed because its GPU has no memory left.

    Example:
        >>> is_out_of_memory("OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB")
        True
    """
    return bool(_OUT_OF_MEMORY.search(reason))
