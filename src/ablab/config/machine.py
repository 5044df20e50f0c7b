"""What a check finds depends on besides the configuration: the code, its packages, the machine."""

import hashlib
import json
import math
import os
import platform
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import ablab

_PACKAGES = {
    "torch": "torch",
    "pytorch_lightning": "pytorch-lightning",
    "torchmetrics": "torchmetrics",
    "mlflow": "mlflow",
    "hydra": "hydra-core",
    "numpy": "numpy",
}
# Variables of the environment that decide about devices and threads.
_VARIABLES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
_DEVICES, _GPUS = Path("/dev"), ("nvidia*", "kfd", "dxg")


@cache
def fingerprint() -> str:
    """Return a hash of code, versions, host, memory, GPUs and environment, 16 hexadecimal digits.

    Torch is not imported: a GPU is known by its device file and its driver.
    """
    gpus = sorted(p.name for pattern in _GPUS for p in _DEVICES.glob(pattern))
    variables = [os.environ.get(name) for name in _VARIABLES]
    host = [socket.gethostname(), platform.platform(), platform.python_version()]
    content = [source_hash(), versions(), host, machine_memory(), gpus, variables]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


@cache
def versions() -> dict[str, str]:
    """Return the versions of the packages that affect a trial, empty for a missing package."""
    return {name: _version(package) for name, package in _PACKAGES.items()}


@cache
def source_hash() -> str:
    """Return the SHA-256 of ablab's Python files, first 12 hexadecimal digits."""
    package = Path(ablab.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def machine_memory(
    information: Path = Path("/proc/meminfo"),
    groups: Path = Path("/proc/self/cgroup"),
    root: Path = Path("/sys/fs/cgroup"),
) -> float:
    """Return the bytes available to processes: memory and swap space, or a container's limit.

    Args:
        information: Linux's table of its memory.
        groups: control groups of this process.
        root: where they are mounted; version 2, or version 1 with its ``memory`` hierarchy.
    """
    return min([_total(information), *_limits(groups, root)])


def _total(information: Path) -> float:
    try:
        lines = dict(line.split(":") for line in information.read_text().splitlines())
        return sum(1024.0 * int(lines[name].split()[0]) for name in ("MemTotal", "SwapTotal"))
    except (OSError, ValueError, KeyError):
        pass
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError):
        return math.inf


def _limits(groups: Path, root: Path) -> Iterator[float]:
    """Yield the limits from this process's control group upwards."""
    try:
        lines = [line.split(":", 2) for line in groups.read_text().splitlines()]
    except OSError:
        return
    for _, controllers, name in lines:
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / "memory" if controllers else root
        own = base / name.strip("/")
        for folder in (own, *own.parents):
            for file in ("memory.max", "memory.limit_in_bytes"):
                with suppress(OSError, ValueError):  # no such file, or `max`
                    yield float((folder / file).read_text())
            if folder == base:
                break
