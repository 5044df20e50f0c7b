"""What a child process inherits: thread variables, and no `__main__` to run again."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

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

    They get the environment; they ignore SIGINT, which a terminal sends to all; and they do not
    import the program that started the sweep, which may be a script without a guard.
    """
    before = {name: os.environ.get(name) for name in environment}
    main = sys.modules["__main__"]
    is_main_thread = threading.current_thread() is threading.main_thread()
    os.environ.update(environment)
    sys.modules["__main__"] = ModuleType("__main__")
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main_thread else None
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        sys.modules["__main__"] = main
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
