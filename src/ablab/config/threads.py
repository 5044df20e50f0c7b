"""CPU threads of each process of a trial.

Their number changes the last digits of float32 results, since sums are split differently.
"""

import os
from collections.abc import Mapping
from typing import Any

from ablab.errors import InputError

_VARIABLE = "OMP_NUM_THREADS"


def cpu_threads(launcher: Mapping[str, Any]) -> int:
    """Return the CPU threads of each process of a trial.

    That is ``launcher.threads``; if it is ``auto``, OMP_NUM_THREADS, or 1 where that is unset.

    Raises:
        InputError: OMP_NUM_THREADS is not a number of threads.
    """
    if launcher["threads"] != "auto":
        return int(launcher["threads"])
    value = os.environ.get(_VARIABLE, "").strip() or "1"
    first = value.split(",")[0].strip()  # OpenMP allows a list for nested regions: 4,2
    if not (first.isascii() and first.isdigit() and int(first) >= 1):
        raise InputError(f"{_VARIABLE} must be an integer >= 1, got {value}")
    return int(first)


def thread_faults(launcher: Mapping[str, Any]) -> list[str]:
    """Return the fault of the number of threads in the environment, or nothing."""
    try:
        cpu_threads(launcher)
    except InputError as error:
        return [str(error)]
    return []


def threads_note(launcher: Mapping[str, Any]) -> str:
    """Return a sentence on the number of threads and its origin, empty for the default of 1."""
    threads, value = cpu_threads(launcher), os.environ.get(_VARIABLE, "").strip()
    if launcher["threads"] == "auto":
        return f"CPU threads: {threads} (from {_VARIABLE})." if threads != 1 else ""
    if value and value != str(threads):
        return f"CPU threads: {threads} (from launcher.threads; {_VARIABLE}={value} is ignored)."
    return f"CPU threads: {threads} (from launcher.threads)." if threads != 1 else ""
