"""What a child process inherits: thread variables, and no `__main__` to run again."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import ModuleType

from ablab.signals import ENDING

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def thread_variables(threads: int) -> dict[str, str]:
    """Return the variables that hold numerical libraries to a number of threads."""
    return dict.fromkeys(THREAD_VARIABLES, str(threads))


@contextmanager
def inherited(environment: Mapping[str, str]) -> Iterator[None]:
    """Let processes that are started in the block inherit what trials need.

    They get the environment; signals are blocked in them until they handle them, since a terminal
    sends its own to all; and they do not import the program that started the sweep, which may be
    a script without a guard. A signal to this process waits for the end of the block.
    """
    before = {name: os.environ.get(name) for name in environment}
    main = sys.modules["__main__"]
    resource_tracker.ensure_running()  # which, started later, would unblock them
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    os.environ.update(environment)
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
