"""Samples what a training process uses: CPU time, memory, GPU memory and GPU time of it alone.

A thread takes the samples, each in 0.03 ms of CPU time. There is none in the first minute of a
trial, so that short trials, of which sweeps have many, pay nothing.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from ablab.tracking.system_metrics import encode_sample, system_file

_DELAY = 60.0  # seconds before the first sample
_SHORTEST = 10.0  # seconds between samples; later a 200th of the elapsed time, to bound the file
_SHARE = 1 / 200
_MEGABYTE = 1_000_000


@contextmanager
def sample_system(
    folder: Path, rank: int | None = None, *, delay: float = _DELAY, shortest: float = _SHORTEST
) -> Iterator[None]:
    """Sample this process during the block, which trains.

    Args:
        folder: the run's folder.
        rank: of a process of a DDP trial; None for a trial of one process.
        delay: seconds before the first sample.
        shortest: seconds between samples at first; after 2,000 s a 200th of the elapsed time.
    """
    end = threading.Event()
    arguments = (system_file(folder, rank), end, delay, shortest)
    thread = threading.Thread(target=_loop, args=arguments, name="ablab-system", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _loop(path: Path, end: threading.Event, delay: float, shortest: float) -> None:
    started, pause = time.monotonic(), delay
    sampler = _Sampler()
    while not end.wait(pause):
        pause = max(shortest, (time.monotonic() - started) * _SHARE)
        with suppress(OSError):  # training goes on without samples, for example on a full disk
            line = encode_sample(time.time(), sampler.sample())
            with path.open("a", encoding="utf-8") as stream:
                stream.write(line)


class _Sampler:
    """Measures this process since the last sample."""

    def __init__(self) -> None:
        self._cpu, self._clock = time.process_time(), time.monotonic()
        self._gpu: _GpuTime | None = None

    def sample(self) -> dict[str, float]:
        """Return percent and megabytes by name; 100 % is one busy core, or a busy GPU."""
        cpu, clock = time.process_time(), time.monotonic()
        share = (cpu - self._cpu) / max(clock - self._clock, 1e-9)
        self._cpu, self._clock = cpu, clock
        values = {"cpu_percent": round(100 * share, 1)}
        memory = _resident_bytes()
        if memory is not None:
            values["memory_megabytes"] = round(memory / _MEGABYTE, 1)
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            values |= self._gpu_values()
        return values

    def _gpu_values(self) -> dict[str, float]:
        # The current device is that of this thread, not of the one that trains.
        reserved = [torch.cuda.memory_reserved(i) for i in range(torch.cuda.device_count())]
        self._gpu = self._gpu or _GpuTime(reserved.index(max(reserved)))
        percent = self._gpu.percent()
        values = {"gpu_memory_megabytes": round(sum(reserved) / _MEGABYTE, 1)}
        return values if percent is None else values | {"gpu_percent": percent}


class _GpuTime:
    """Asks NVIDIA's driver for the GPU time of this process; needs the package ``nvidia-ml-py``.

    In a container the driver may list processes by other ids: then there is no value, rather than
    one that includes the processes of others.

    Args:
        device: torch's number of the GPU.
    """

    def __init__(self, device: int) -> None:
        self._nvml: Any = None
        self._since = int(time.time() * 1e6)
        with suppress(Exception):  # no package, no driver, or one of another version
            nvml = import_module("pynvml")
            nvml.nvmlInit()
            uuid = str(torch.cuda.get_device_properties(device).uuid)
            name = uuid if uuid.startswith("GPU-") else f"GPU-{uuid}"
            self._device = nvml.nvmlDeviceGetHandleByUUID(name.encode())
            self._nvml = nvml

    def percent(self) -> float | None:
        """Return the mean utilization since the last call, or None if it is unknown."""
        if self._nvml is None:
            return None
        try:
            found = self._nvml.nvmlDeviceGetProcessUtilization(self._device, self._since)
        except Exception:  # no sample in this time, or not supported
            return None
        own = [sample for sample in found if sample.pid == os.getpid()]
        if not own:
            return None
        self._since = max(sample.timeStamp for sample in own)
        return float(sum(sample.smUtil for sample in own) / len(own))


def _resident_bytes() -> int | None:
    """Return the memory of this process that is in RAM, or None if the system does not say."""
    with suppress(OSError):
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    with suppress(ImportError):  # macOS
        return int(import_module("psutil").Process().memory_info().rss)
    return None
