"""Imported by the fork server last: says that it has imported everything."""

import os
from contextlib import suppress
from pathlib import Path

from ablab.sweep.launch.server import READY
from ablab.tracking.files import write_atomic

if path := os.environ.get(READY):
    with suppress(OSError):  # the sweep has ended meanwhile, and its folder with it
        write_atomic(Path(path), str(os.getpid()))
