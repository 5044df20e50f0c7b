"""The GPUs that this process may use, and the slots on them."""

import ctypes
import os
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ablab.sweep.launch.slots import Slot

VISIBLE = "CUDA_VISIBLE_DEVICES"
# Of NVIDIA, AMD, and of either under Windows (WSL).
_DEVICE_FILES = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("/dev/dxg"))


@dataclass(frozen=True)
class GPU:
    """A GPU, or an instance of one (MIG).

    Attributes:
        name: in the notation of `CUDA_VISIBLE_DEVICES`: an index, a UUID or a MIG name.
        identity: the same in all processes of this host: a UUID where the driver tells it.
    """

    name: str
    identity: str


@dataclass(frozen=True)
class GPUSlot:
    """A slot on GPUs.

    Attributes:
        gpus: of one trial; several only for a trial of several processes.
        share: number of the share of its GPU, from 0; None: the whole.
    """

    gpus: tuple[GPU, ...]
    share: int | None = None

    @property
    def environment(self) -> Slot:
        """The environment variable that shows these GPUs alone to a process."""
        return {VISIBLE: ",".join(gpu.name for gpu in self.gpus)}


def gpu_slots(gpus: Sequence[GPU], wanted: int | str, per_gpu: int) -> list[GPUSlot]:
    """Return slots for trials of one GPU each: the first share of each GPU, then the second, ….

    Args:
        gpus: at least one.
        wanted: number of slots, or ``auto``: ``per_gpu`` for each GPU. A larger number gives each
            GPU more shares.
        per_gpu: number of trials that share a GPU, >= 1.
    """
    count = per_gpu * len(gpus) if wanted == "auto" else int(wanted)
    shares = max(per_gpu, -(-count // len(gpus)))
    all_slots = [
        GPUSlot((gpu,), share if shares > 1 else None) for share in range(shares) for gpu in gpus
    ]
    return all_slots[:count]


def group_slots(gpus: Sequence[GPU], wanted: int | str, per_trial: int) -> list[GPUSlot]:
    """Return slots for trials of several GPUs each.

    Args:
        gpus: at least ``per_trial``.
        wanted: largest number of slots, or ``auto``.
        per_trial: number of GPUs of a trial; -1 for all.
    """
    size = len(gpus) if per_trial == -1 else per_trial
    starts = range(0, len(gpus) - size + 1, size)
    groups = [GPUSlot(tuple(gpus[start : start + size])) for start in starts]
    return groups if wanted == "auto" else groups[: int(wanted)]


def visible_gpus() -> list[GPU]:
    """Return the GPUs that this process may use; torch and the driver know of control groups.

    CUDA shows a process one MIG instance at the most, so that each slot may have another of those
    that the variable names.
    """
    if "torch" not in sys.modules and not _may_have_gpus():
        return []
    import torch

    count = torch.cuda.device_count()
    named = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    if count and named and named[0].startswith("MIG-"):
        return [GPU(name, name) for name in named]
    names = named[:count] if named else [str(i) for i in range(count)]
    identities = driver_uuids() if names else []
    if len(identities) != len(names):  # not NVIDIA's, or a driver that does not tell
        identities = names
    return [GPU(*pair) for pair in zip(names, identities, strict=True)]


def _may_have_gpus() -> bool:
    """Return whether this machine may have GPUs; without a device file of a driver it has none.

    It saves a sweep without a GPU the import of torch in its own process.
    """
    return sys.platform != "linux" or any(path.exists() for path in _DEVICE_FILES)


def driver_uuids() -> list[str]:
    """Return the UUID of each visible GPU, in CUDA's order; empty if the driver does not tell.

    An index means another GPU under another `CUDA_VISIBLE_DEVICES` or `CUDA_DEVICE_ORDER`, and a
    UUID may be abbreviated there. The driver is asked without a context, which would take memory.
    """
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
        count = ctypes.c_int()
        if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)):
            return []
        uuids = []
        for index in range(count.value):
            device, raw = ctypes.c_int(), (ctypes.c_ubyte * 16)()
            if cuda.cuDeviceGet(ctypes.byref(device), index):
                return []
            if cuda.cuDeviceGetUuid_v2(ctypes.byref(raw), device):
                return []
            uuids.append(f"GPU-{uuid.UUID(bytes=bytes(raw))}")
    except (OSError, AttributeError):  # no driver, or an old one
        return []
    return uuids
