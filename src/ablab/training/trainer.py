"""Lightning's Trainer as a trial uses it: no bars, no summaries, no broadcasts, little a step."""

import inspect
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.profilers import Profiler
from pytorch_lightning.strategies import DDPStrategy
from torch.nn.parallel import DistributedDataParallel

from ablab.model.distributed import CpuBatchNormSync
from ablab.training.checkpoint import WholeCheckpoint
from ablab.training.settings import Devices

# Torch 2.13 gave the old word a warning.
_NEW_WORD = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
_NO_BROADCASTS: dict[str, Any] = {
    "forward_sync_buffers" if _NEW_WORD else "broadcast_buffers": False
}

_NOTHING = nullcontext()


class _NoProfiler(Profiler):
    """Times nothing, at less cost than Lightning's: it is asked some thirty times a step."""

    def start(self, action_name: str) -> None:
        """Do nothing."""

    def stop(self, action_name: str) -> None:
        """Do nothing."""

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # type: ignore[override]
        """Return what does nothing."""
        return _NOTHING


def trainer(
    config: Mapping[str, Any],
    devices: Devices,
    folder: Path,
    logger: Logger,
    callbacks: Sequence[pl.Callback],
    *,
    seeks_unused: bool = False,
) -> pl.Trainer:
    """Return a Trainer that fits or tests once.

    Args:
        config: the ``trainer`` group: epochs, precision, clipping.
        devices: where it runs.
        folder: where Lightning may write.
        logger: takes what it logs.
        callbacks: in the order in which they are called.
        seeks_unused: whether processes look at each step which weights it left without a
            gradient. One that is never or not always reached would stop the training otherwise.
    """
    is_ddp, on_cpu = devices.is_ddp, devices.accelerator == "cpu"
    return pl.Trainer(
        accelerator=devices.accelerator,
        devices=devices.devices,
        # No broadcasts of buffers: batch norm is synchronised, and the ranks may have different
        # numbers of validation batches.
        strategy=_ddp(seeks_unused) if is_ddp else "auto",
        max_epochs=config["max_epochs"],
        precision=config["precision"],
        gradient_clip_val=config["gradient_clip_val"],
        callbacks=list(callbacks),
        logger=logger,
        profiler=_NoProfiler(),
        plugins=_plugins(is_ddp, on_cpu),
        sync_batchnorm=is_ddp and not on_cpu,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        log_every_n_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )


def _ddp(seeks_unused: bool) -> DDPStrategy:
    return DDPStrategy(find_unused_parameters=seeks_unused, **_NO_BROADCASTS)


def _plugins(is_ddp: bool, on_cpu: bool) -> list[Any]:
    """Return the plugins: one process is one process, also inside a SLURM job."""
    if not is_ddp:
        return [WholeCheckpoint(), LightningEnvironment()]
    return [WholeCheckpoint(), *([CpuBatchNormSync()] if on_cpu else [])]
