"""Checks that the machine has the devices and processes for a trial."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablab.config.threads import thread_faults
from ablab.data.settings import FULL

# torch is imported where a device is asked for: a command that only reads a configuration does
# not wait for it.
_NVIDIA = Path("/proc/driver/nvidia/version")


def device_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the faults of devices, precision, batch size and threads on this machine.

    Args:
        config: the resolved configuration.
    """
    devices, faults = config["devices"], thread_faults(config["launcher"])
    accelerator, count = devices["accelerator"], num_processes(devices)
    gpus = gpus_elsewhere(config)
    faults += _local_faults(devices) if gpus is None else _elsewhere_faults(devices, gpus)
    kind = device_type(config)
    if config["backend"] == "by_hand" and kind == "cuda":
        faults.append(f"devices.accelerator must be cpu for backend=by_hand, got {accelerator}")
    if count > 1 and devices["strategy"] != "ddp":
        faults.append(
            f"devices.strategy must be ddp for {count} devices, got {devices['strategy']}"
        )
    # On a CPU Lightning would silently use bf16-mixed in place of 16-mixed.
    unsupported, precision = {"cpu": "16-mixed", "mps": "64-true"}, config["trainer"]["precision"]
    if precision == unsupported.get(kind):
        faults.append(f"trainer.precision must be one that a {kind} supports, got {precision}")
    batch_size, images = config["batch_size"], _batch_images(config) if count > 1 else 0
    if images % count:
        got = batch_size if batch_size == images else f"{batch_size}, which is {images} images"
        faults.append(f"batch_size must be divisible by the {count} processes, got {got}")
    return faults


def _local_faults(devices: Mapping[str, Any]) -> list[str]:
    """Return the faults of devices that trials have on this machine."""
    import torch

    accelerator, count, faults = devices["accelerator"], num_processes(devices), []
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available():
        faults.append(f"devices.accelerator must be cpu or auto here, got {accelerator}: {_why()}")
    elif _on_gpu(devices) and devices["devices"] > torch.cuda.device_count():
        visible = torch.cuda.device_count()
        faults.append(f"devices.devices must be at most {visible}, the GPUs here, got {count}")
    if devices["devices"] == -1 and not _on_gpu(devices):
        faults.append(
            "devices.devices must be a number where no GPU is used (two processes on the CPU: "
            f"devices=ddp_cpu), got -1: {_why()}"
        )
    return faults


def _elsewhere_faults(devices: Mapping[str, Any], gpus: float) -> list[str]:
    """Return the faults of devices that trials have on other machines."""
    accelerator, count = devices["accelerator"], devices["devices"]
    if count == -1:
        return ["devices.devices must be a number for a launcher on other machines, got -1"]
    if accelerator in ("gpu", "cuda") and not gpus:
        return [f"launcher.gpus must be {count} for devices.accelerator={accelerator}, got 0"]
    if accelerator != "cpu" and gpus and count > 1 and gpus != count:
        return [f"launcher.gpus must be {count}, as devices.devices, got {gpus:g}"]
    return []


def gpus_elsewhere(config: Mapping[str, Any]) -> float | None:
    """Return the GPUs that a trial has on another machine; None if trials run on this one.

    A launcher that starts trials on other machines has the option ``gpus``.
    """
    gpus = config["launcher"].get("gpus")
    return gpus if isinstance(gpus, int | float) else None


def device_type(config: Mapping[str, Any]) -> str:
    """Return the device type that a trial trains on: ``cuda``, ``mps`` or ``cpu``."""
    devices, gpus = config["devices"], gpus_elsewhere(config)
    if gpus is not None:
        return "cuda" if gpus and devices["accelerator"] != "cpu" else "cpu"
    if _on_gpu(devices):
        return "cuda"
    import torch

    if devices["accelerator"] in ("auto", "gpu", "mps") and torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def device_notes() -> list[str]:
    """Return notes for the user about the machine: a GPU that this torch cannot use."""
    if not _NVIDIA.exists():
        return []
    import torch

    return [] if torch.cuda.is_available() else [f"training on the CPU: {_why()}"]


def num_processes(devices: Mapping[str, Any]) -> int:
    """Return the number of processes of a trial, >= 1."""
    if devices["devices"] != -1:
        return int(devices["devices"])
    import torch

    return max(1, torch.cuda.device_count()) if _on_gpu(devices) else 1


def _batch_images(config: Mapping[str, Any]) -> int:
    """Return the images of a batch; 0 where the data set is invalid, which other checks report."""
    if config["batch_size"] != FULL:
        return int(config["batch_size"])
    from ablab.model import build

    try:
        return build.datamodule(config).counts()["train_images"]
    except ValueError:
        return 0


def _on_gpu(devices: Mapping[str, Any]) -> bool:
    import torch

    return devices["accelerator"] in ("auto", "gpu", "cuda") and torch.cuda.is_available()


def _why() -> str:
    import torch

    if _NVIDIA.exists():
        return f"there is a GPU, but torch {torch.__version__} cannot use it"
    return f"torch {torch.__version__} finds no GPU"
