"""Replaces training in real processes: fast, and without importing torch."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from fakes import complete
from filelock import Timeout

from ablab.errors import LOCKED
from ablab.signals import dump_stacks_to
from ablab.tracking.run import LOG, Run
from ablab.training.settings import ProcessSettings


def describe(folder: Path, settings: ProcessSettings) -> int:
    """Write the process's environment to ``environment_seen.json``."""
    seen = {
        "pid": os.getpid(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "data": os.environ.get("ABLAB_DATA"),
        "gpu": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "ignores_sigint": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
        "main": getattr(sys.modules.get("__mp_main__"), "__file__", None),
        "ignores_sigusr2": signal.getsignal(signal.SIGUSR2) == signal.SIG_IGN,
        "slurm": [name for name in os.environ if name.startswith("SLURM_")],
        "torch": "torch" in sys.modules,
        "settings": settings.to_json(),
    }
    (folder / "environment_seen.json").write_text(json.dumps(seen))
    complete(Run(folder))
    return 0


def die_once(folder: Path, _settings: ProcessSettings) -> int:
    """Die by SIGKILL at the first attempt, complete the run at the second."""
    marker = folder / "died"
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    complete(Run(folder))
    return 0


def wait_for_go(folder: Path, _settings: ProcessSettings) -> int:
    """Hold the run's lock until a file named ``go`` appears in its folder; log each attempt."""
    with Run(folder).lock().acquire(timeout=5):
        with (folder / "pids").open("a") as stream:
            stream.write(f"{os.getpid()}\n")
        while not (folder / "go").exists():
            time.sleep(0.01)
        complete(Run(folder))
    return 0


def wait_with_parent(folder: Path, _settings: ProcessSettings) -> int:
    """Do as `wait_for_go`, but end with the parent; do nothing if another process has the run."""
    parent = os.getppid()
    try:
        with Run(folder).lock().acquire(timeout=1):
            with (folder / "pids").open("a") as stream:
                stream.write(f"{os.getpid()}\n")
            while not (folder / "go").exists():
                if os.getppid() != parent:
                    os._exit(143)
                time.sleep(0.05)
            complete(Run(folder))
    except Timeout:
        return LOCKED
    return 0


def hang(folder: Path, _settings: ProcessSettings) -> int:
    """Hang before the first entry of the journal, in C code, as a process that trains would."""
    with (folder / LOG).open("ab") as log, dump_stacks_to(log):
        wait_for_ever()
    return 0


def wait_for_ever() -> None:
    threading.Event().wait()


def stop_on_sigterm(folder: Path, _settings: ProcessSettings, seconds: float = 0.0) -> int:
    """Run until SIGTERM, or some time longer, and leave a file ``stopped``."""

    def stop(_number: int, _frame: object) -> None:
        time.sleep(seconds)
        (folder / "stopped").touch()
        sys.exit(143)

    signal.signal(signal.SIGTERM, stop)
    (folder / "ready").touch()
    while True:
        time.sleep(0.01)


def stop_slowly(folder: Path, settings: ProcessSettings) -> int:
    """Run until two seconds after SIGTERM and leave a file ``stopped``."""
    return stop_on_sigterm(folder, settings, 2.0)


if __name__ == "__main__":
    run_folder = Path(sys.argv[1])
    chosen = run_folder.parents[2] / "fake_work"  # in the lab: the name of a function
    function = globals()[chosen.read_text() if chosen.exists() else "describe"]
    sys.exit(function(run_folder, ProcessSettings.from_json(sys.argv[2])))
