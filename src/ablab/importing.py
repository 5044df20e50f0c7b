"""Imports large packages without garbage collection: a million objects that stay anyway."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_gc() -> Iterator[None]:
    """Pause the garbage collector while the block imports, then freeze all existing objects.

    A full collection over the objects of torch, Lightning and MLflow takes a quarter of a second,
    and would run repeatedly, at exit as well. Does nothing outside the main thread: garbage that
    other threads create meanwhile would be frozen too, and may be large.
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
