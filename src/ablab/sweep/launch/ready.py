"""Imported last by the fork server: writes the file that says that all imports are done."""

import os
from contextlib import suppress
from pathlib import Path

from ablab.sweep.launch.server import READY
from ablab.tracking.files import write_atomic

if path := os.environ.get(READY):
    with suppress(OSError):  # the sweep has ended and its folder is removed
        write_atomic(Path(path), str(os.getpid()))
