"""Imported once by the fork server, so that each forked trial has all its imports done."""

import warnings

from ablab.importing import without_gc

with without_gc():  # also the first import of torch: its objects would be searched repeatedly
    import ablab.training.process  # noqa: F401  imports all that a trial needs
    from ablab.training.prepare import warm_up

# Python 3.12 and later warns at each fork of a process with threads. The server's only other
# threads are the idle pool of OpenBLAS, which recreates it after a fork. The server itself runs no
# tensor operation: a process forked after multi-threaded torch work hangs.
warnings.filterwarnings(
    "ignore", message=r".*multi-threaded, use of fork\(\)", category=DeprecationWarning
)

warm_up()
