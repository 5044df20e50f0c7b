"""Maps a function over many items in all processors that the process may use."""

import os
import pickle
import sys
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_items(
    function: Callable[[_Item], _Result], items: Sequence[_Item], least: int
) -> list[_Result]:
    """Return the results of a function, in the order of the items.

    On Linux, processes are forked from this one, which computes a share itself. A share whose
    process ends early is computed here, so that its exception is raised here. Forking takes
    milliseconds, where a new process would import for half a second.

    Args:
        function: reads files and computes, without threads; its results can be pickled.
        items: may be anything; they are not pickled.
        least: items for which another process pays.
    """
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    count = max(1, min(processors, len(items) // least))
    bounds = [len(items) * i // count for i in range(count + 1)]
    shares = [items[start:end] for start, end in pairwise(bounds)]
    others = [_start(function, share) for share in shares[1:]]
    results = [function(item) for item in shares[0]]
    for share, (process, pipe) in zip(shares[1:], others, strict=True):
        with os.fdopen(pipe, "rb") as stream:
            content = stream.read()
        _, status = os.waitpid(process, 0)
        results += pickle.loads(content) if status == 0 else [function(item) for item in share]
    return results


def _start(function: Callable[[_Item], _Result], share: Sequence[_Item]) -> tuple[int, int]:
    """Fork a process that computes a share; return its id and the pipe of its results."""
    pipe, end = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns where threads exist: those of OpenBLAS idle, and are recreated.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process:
        os.close(end)
        return process, pipe
    status = 1
    try:
        os.close(pipe)
        with os.fdopen(end, "wb") as stream:
            pickle.dump([function(item) for item in share], stream, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        os._exit(status)  # nothing of the parent is flushed or printed twice
