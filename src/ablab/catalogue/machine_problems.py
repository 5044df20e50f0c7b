"""What is wrong with a machine: its data, cache, disk and devices."""

import os
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import torch

from ablab.data import cache
from ablab.data.fetch import DATASETS, is_present, verify
from ablab.disk import FLOOR_BYTES, free_bytes
from ablab.formatting import format_size
from ablab.tracking.problem import Problem

_MIN_FREE_FILES = 1_000
_FETCH = "; `ablab data fetch {name}` fetches it again, and keeps this one"


def machine_problems(lab: Path) -> Iterator[Problem]:
    """Yield the problems, each with what to do about it.

    Args:
        lab: the lab's folder, which need not exist yet.
    """
    return chain(_data_problems(), _cache_problems(), _disk_problems(lab), _device_problems())


def _data_problems() -> Iterator[Problem]:
    """Yield the files of published data sets that are damaged, or missing beside others."""
    for name in filter(is_present, DATASETS):
        for check in verify(name):
            if not check.ok:
                hint = "" if "ablab data fetch" in check.detail else _FETCH.format(name=name)
                yield Problem("data", f"{check.detail}{hint}")


def _cache_problems() -> Iterator[Problem]:
    for folder, what in cache.changed_entries():
        text = f"{folder}: {what}; delete it, and the next trial recreates it"
        yield Problem("cache", text, partial(_remove_cache, folder))


def _remove_cache(folder: Path) -> str:
    cache.remove_entry(folder)
    return f"removed {folder}; the next trial recreates it"


def _disk_problems(lab: Path) -> Iterator[Problem]:
    folder = _existing(lab)
    free = free_bytes(folder)
    if free < FLOOR_BYTES:
        yield Problem(
            "disk",
            f"free disk space must be at least {format_size(FLOOR_BYTES)} at {folder}, got "
            f"{format_size(free)}; free some (`df -h`): {lab / 'cache'} can be deleted",
        )
    state = os.statvfs(folder)
    if state.f_files and state.f_favail < _MIN_FREE_FILES:  # 0: without a fixed number
        yield Problem(
            "disk",
            f"at least {_MIN_FREE_FILES:,} more files must fit on the disk of {folder}, got "
            f"{state.f_favail:,}; delete some (`df -i`)",
        )
    if lab.exists() and not os.access(lab, os.W_OK):
        yield Problem(
            "disk",
            f"{lab} must be a folder that you can write to; ask its owner, or set ABLAB_HOME",
        )


def _device_problems() -> Iterator[Problem]:
    """Yield the GPUs on which a sum fails."""
    for index in range(torch.cuda.device_count()):
        try:
            torch.ones(2, device=f"cuda:{index}").sum().item()
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            yield Problem(
                "device",
                f"GPU {index} must compute, got: {reason}; end what fills it (`nvidia-smi`), or "
                "leave it out with CUDA_VISIBLE_DEVICES",
            )


def _existing(lab: Path) -> Path:
    return next(folder for folder in (lab, *lab.parents) if folder.exists())
