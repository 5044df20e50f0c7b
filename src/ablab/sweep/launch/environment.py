"""What a worker process inherits: thread variables, blocked signals, and an empty `__main__`."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import ModuleType

from ablab.signals import END_SIGNALS

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def thread_variables(threads: int) -> dict[str, str]:
    """Return the environment variables that limit numerical libraries to ``threads``."""
    return dict.fromkeys(THREAD_VARIABLES, str(threads))


@contextmanager
def worker_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set what processes started in the block inherit.

    They get the environment variables. Signals that end a process are blocked in them until
    `ablab.sweep.launch.worker` handles them: a terminal sends Ctrl-C to all processes, also to one
    that is still starting. They do not import `__main__` again, which may be a script without a
    guard. A signal to this process is delayed until the end of the block.
    """
    before = {name: os.environ.get(name) for name in variables}
    main = sys.modules["__main__"]
    # Started by the first process otherwise, and starting it unblocks the signals.
    resource_tracker.ensure_running()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)
    os.environ.update(variables)
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
