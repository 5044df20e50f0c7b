"""Settings of a whole process before it trains: threads, memory, determinism."""

import ctypes
import gc
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ablab.config.machine import source_hash, versions
from ablab.signals import end_with_parent
from ablab.training.environment import commit, cpu_name
from ablab.training.settings import ProcessSettings
from ablab.training.trainer import find_callbacks

# Parameters of glibc's mallopt(3), each with its largest value.
_TRIM_THRESHOLD = -1, 2**31 - 1
_MMAP_THRESHOLD = -3, 2**25


def warm_up() -> None:
    """Prepare this process, which has imported everything, for trials forked from it.

    A forked trial starts in about 0.15 s, a new process in 5 to 6 s. Commit, versions, source hash
    and the callbacks of installed packages are found once here and inherited.
    """
    # Not the GPU's name: CUDA cannot be used in a fork of a process that has initialized it.
    for cached in (commit, source_hash, cpu_name, versions, find_callbacks):
        cached()
    # Objects of imported packages are never freed. Frozen, they are not scanned by the garbage
    # collector in each fork, which takes a quarter of a second a scan and would copy their pages.
    gc.collect()
    gc.freeze()


def prepare(settings: ProcessSettings) -> None:
    """Set threads, memory and determinism, and let the process end with its parent."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)  # Lightning 2.6 on torch 2.13
    torch.set_num_threads(settings.threads)
    if settings.devices.is_ddp:  # otherwise Lightning divides all cores among its processes
        os.environ["OMP_NUM_THREADS"] = str(settings.threads)
    keep_freed_memory()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Warns where CUDA has no deterministic kernel (backward of max pooling), instead of raising.
    # `use_deterministic_algorithms` would also import the compiler, to set an option of it, which
    # the variable sets for components that compile.
    torch.set_deterministic_debug_mode("warn")
    os.environ.setdefault("TORCHINDUCTOR_DETERMINISTIC", "1")
    # Filling uninitialized memory only finds bugs in operations, and costs time at each step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    if settings.in_sweep or settings.ends_with_parent:
        end_with_parent()


@contextmanager
def as_in_a_trial(threads: int) -> Iterator[None]:
    """Compute in the block with the memory and the threads of a trial's process.

    Args:
        threads: of the trial.
    """
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Keep freed memory in the process, since the next step allocates it again.

    By default, glibc returns it to the system, which zeroes it at each allocation: a step on a CPU
    then takes 1.4 to 1.5 times as long. The price is memory: 670 MB instead of 610 MB at the peak
    of an MNIST trial. Other C libraries have no ``mallopt``, and are not changed.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(*_TRIM_THRESHOLD)
        mallopt(*_MMAP_THRESHOLD)
