"""Imported by the fork server last: says that it has imported everything."""

import os
from pathlib import Path

from ablab.sweep.launch.server import READY
from ablab.tracking.files import write_atomic

if path := os.environ.get(READY):
    write_atomic(Path(path), str(os.getpid()))
