"""The fork server and what it leaves behind."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from real_sweeps import is_gone, until

COMMAND = """
from multiprocessing import forkserver

from ablab.sweep.launch.server import ForkServer

if __name__ == "__main__":
    ForkServer("imports_long", 1).is_ready()
    print(forkserver._forkserver._forkserver_pid)
"""


def test_a_server_that_still_imports_ends_with_its_command(tmp_path: Path):
    """It would write its file into the folder that the command is removing."""
    (tmp_path / "imports_long.py").write_text("import time\n\ntime.sleep(600)\n")
    (tmp_path / "command.py").write_text(COMMAND)
    with tempfile.TemporaryDirectory() as folder:  # sockets need short paths
        environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "command.py"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        until(lambda: is_gone(int(done.stdout)), 60)
        assert list(Path(folder).glob("pymp-*")) == []
