"""Imports of large packages: a million objects that stay, and are no garbage to look through."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def for_good() -> Iterator[None]:
    """Pause the garbage collection while the block imports, and then leave out what is there.

    Torch, Lightning and MLflow fill a quarter of a second's search, which the collector would
    make time and again, at exit too.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
