"""Imports of large packages: a million objects that stay, and are no garbage to look through."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def for_good() -> Iterator[None]:
    """Pause the garbage collection while the block imports, and then leave out what is there.

    Torch, Lightning and MLflow fill a quarter of a second's search, which the collector would
    make time and again, at exit too. In another thread than the main one nothing is done: what
    the others make meanwhile may be garbage, and large.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
