"""Imported once by the fork server, so that every trial starts with everything imported."""

import warnings

from ablab.importing import for_good
from ablab.training.prepare import warm_up

with for_good():
    import ablab.training.process  # noqa: F401  what a trial needs, imported

# From 3.12 on Python warns at each fork of a process with threads. The server's only other threads
# are the idle pools of OpenBLAS, which re-makes them in the child; it runs no tensor operation.
warnings.filterwarnings(
    "ignore", message=r".*multi-threaded, use of fork\(\)", category=DeprecationWarning
)

warm_up()
