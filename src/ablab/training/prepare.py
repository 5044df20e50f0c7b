"""What belongs to a process as a whole before it trains: threads, determinism, warm facts."""

import ctypes
import gc
import logging
import multiprocessing
import multiprocessing.connection
import os
import threading
import time
import warnings

import torch

from ablab.errors import TERMINATED
from ablab.training.environment import commit, cpu_name, source_hash, versions
from ablab.training.settings import ProcessSettings

_SECONDS_BETWEEN_LOOKS = 1.0
# glibc's mallopt(3): a parameter, and the largest value that it takes.
_TRIM_THRESHOLD = -1, 2**31 - 1
_MMAP_THRESHOLD = -3, 2**25


def warm_up() -> None:
    """Make ready for trials that will be forked from this process.

    What they need is imported already. The facts of the code are those of now, and are found out
    once; and what is here now is no garbage: no child needs to look through it.
    """
    # No facts of the GPU: a fork must not inherit what finding them leaves behind.
    for find in (commit, source_hash, cpu_name, versions):
        find()
    gc.collect()
    gc.freeze()


def prepare(settings: ProcessSettings) -> None:
    """Set what is a whole process's: threads, memory, determinism, its tie to the sweep."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)  # Lightning 2.6 on torch 2.13
    torch.set_num_threads(settings.threads)
    if settings.devices.is_ddp:  # Lightning would share out all cores otherwise
        os.environ["OMP_NUM_THREADS"] = str(settings.threads)
    keep_freed_memory()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Only a warning in the log where CUDA has no such kernel (the backward of max pooling).
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling fresh memory finds bugs of operations, and costs time in each step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    parent = multiprocessing.parent_process()
    if settings.in_sweep or settings.ends_with_parent:
        sentinel = None if parent is None else parent.sentinel
        threading.Thread(target=_end_with, args=(sentinel, os.getppid()), daemon=True).start()


def keep_freed_memory() -> None:
    """Let the C library keep the memory that a step frees, since the next step takes it again.

    Otherwise glibc gives it back to the system, which fills it with zeros anew each time: a step
    of a small network on a CPU takes up to one and a half times as long. Other C libraries have
    no such call, and are left as they are.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(*_TRIM_THRESHOLD)
        mallopt(*_MMAP_THRESHOLD)


def _end_with(sentinel: int | None, parent: int) -> None:
    """End at once when the sweep is gone: what is not in a checkpoint is trained again.

    Args:
        sentinel: ready when the sweep is gone, where it started this process by multiprocessing.
        parent: otherwise, the sweep's process.
    """
    if sentinel is not None:
        multiprocessing.connection.wait([sentinel])
    while sentinel is None and os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(TERMINATED)
