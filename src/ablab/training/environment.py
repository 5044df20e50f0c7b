"""Environment of a training process: hardware, versions, commit. It is not part of the key."""

import os
import platform
import resource
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch

import ablab
from ablab.config.machine import source_hash, versions


def describe_environment() -> dict[str, Any]:
    """Return host, processor, GPU, versions, commit and source hash of this process."""
    return {
        "host": socket.gethostname(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_name(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "ablab": ablab.__version__,
        **versions(),
        "source_hash": source_hash(),
        **commit(),
    }


def peak_memory() -> int:
    """Return the peak memory of this process in bytes; of GPU memory if it uses a GPU."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage includes the parent's memory at the fork
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@cache
def commit() -> dict[str, Any]:
    """Return the git commit of ablab's clone, and whether it has changes; empty in a wheel."""
    root = Path(ablab.__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return {"commit": "", "dirty": False}
    head = _git(root, "rev-parse", "HEAD")
    return {"commit": head, "dirty": bool(_git(root, "status", "--porcelain", "-uno"))}


@cache
def cpu_name() -> str:
    """Return the processor's name as the system reports it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(root: Path, *arguments: str) -> str:
    # Reading the status must not take a lock that the user's own git command needs.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        result = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip()
