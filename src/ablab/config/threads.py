"""CPU threads of a trial: who decides, and what is said of it.

The number changes float32 results in their last digits, since sums are split differently.
"""

import os
from collections.abc import Mapping
from typing import Any

from ablab.errors import InputError

_VARIABLE = "OMP_NUM_THREADS"


def cpu_threads(launcher: Mapping[str, Any]) -> int:
    """Return the CPU threads of each process of a trial.

    A number in ``launcher.threads`` holds. Where that is ``auto``, OMP_NUM_THREADS does, and 1
    where it is unset.

    Raises:
        InputError: OMP_NUM_THREADS is no number of threads.
    """
    if launcher["threads"] != "auto":
        return int(launcher["threads"])
    said = os.environ.get(_VARIABLE, "").strip() or "1"
    first = said.split(",")[0].strip()  # OpenMP's form for nested regions: 4,2
    if not (first.isascii() and first.isdigit() and int(first) >= 1):
        raise InputError(f"{_VARIABLE} must be an integer >= 1, got {said}")
    return int(first)


def thread_faults(launcher: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the number of threads that the environment asks for."""
    try:
        cpu_threads(launcher)
    except InputError as error:
        return [str(error)]
    return []


def threads_note(launcher: Mapping[str, Any]) -> str:
    """Return a sentence where the number of threads is not 1 by default, empty where it is."""
    threads, said = cpu_threads(launcher), os.environ.get(_VARIABLE, "").strip()
    if launcher["threads"] == "auto":
        return f"CPU threads: {threads}, as {_VARIABLE} says." if threads != 1 else ""
    if said and said != str(threads):
        return f"CPU threads: {threads}, as launcher.threads says; {_VARIABLE}={said} is passed by."
    return f"CPU threads: {threads}, as launcher.threads says." if threads != 1 else ""
