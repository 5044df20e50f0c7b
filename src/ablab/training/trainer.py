"""Lightning's Trainer for a trial: direct steps, atomic checkpoints, no output."""

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from torch.nn.parallel import DistributedDataParallel

from ablab.lightning import lightning_fabric, pl
from ablab.model.distributed import CpuBatchNormSync
from ablab.training.checkpoint import AtomicCheckpointIO
from ablab.training.settings import Devices
from ablab.training.step_loop import use_direct_steps

# Torch 2.13 renamed the argument, and warns about the old name.
_IS_RENAMED = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
_NO_BROADCASTS: dict[str, Any] = {
    "forward_sync_buffers" if _IS_RENAMED else "broadcast_buffers": False
}

# Each Trainer looks through all installed packages for callbacks: 6 ms, the same each time.
_find = cache(entry_points)
lightning_fabric.utilities.registry.entry_points = _find  # type: ignore[attr-defined, assignment]
CALLBACKS = "pytorch_lightning.callbacks_factory"  # their group


def find_callbacks() -> None:
    """Look for callbacks of installed packages, once for this process and those that it forks."""
    _find(group=CALLBACKS)


def trainer(
    config: Mapping[str, Any],
    devices: Devices,
    folder: Path,
    logger: pl.loggers.Logger,
    callbacks: Sequence[pl.Callback],
    *,
    find_unused_parameters: bool = False,
) -> pl.Trainer:
    """Return a Trainer for one fit or test.

    Args:
        config: the ``trainer`` group: epochs, precision, clipping.
        devices: the accelerator and the number of processes.
        folder: Lightning's output folder.
        logger: receives what Lightning logs.
        callbacks: in the order in which they are called.
        find_unused_parameters: whether DDP searches for unused weights at each step. Without it, a
            weight that some step does not use stops the training.
    """
    is_ddp, on_cpu = devices.is_ddp, devices.accelerator == "cpu"
    made = pl.Trainer(
        accelerator=devices.accelerator,
        devices=devices.devices,
        # DDP does not broadcast buffers: batch norm is synchronized anyway, and ranks may have
        # different numbers of validation batches.
        strategy=_ddp(find_unused_parameters) if is_ddp else "auto",
        max_epochs=config["max_epochs"],
        precision=config["precision"],
        gradient_clip_val=config["gradient_clip_val"],
        callbacks=list(callbacks),
        logger=logger,
        plugins=_plugins(is_ddp, on_cpu),
        sync_batchnorm=is_ddp and not on_cpu,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        log_every_n_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    use_direct_steps(made)
    return made


def _ddp(find_unused_parameters: bool) -> pl.strategies.DDPStrategy:
    return pl.strategies.DDPStrategy(
        find_unused_parameters=find_unused_parameters, **_NO_BROADCASTS
    )


def _plugins(is_ddp: bool, on_cpu: bool) -> list[Any]:
    """Return the plugins; `LightningEnvironment` ignores a SLURM job around a single process."""
    if not is_ddp:
        environment = lightning_fabric.plugins.environments.lightning.LightningEnvironment()
        return [AtomicCheckpointIO(), environment]
    return [AtomicCheckpointIO(), *([CpuBatchNormSync()] if on_cpu else [])]
