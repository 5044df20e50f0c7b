"""What a trial leaves behind each epoch: best weights, then the checkpoint, then the journal."""

import time
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.loggers.logger import Logger
from safetensors.torch import save
from torch import Tensor, nn

from ablab.errors import resource_error
from ablab.tracking.files import write_atomic
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.records import BEST
from ablab.tracking.run import Run
from ablab.training.environment import peak_memory

CHECKPOINT = "checkpoint.ckpt"
CHOOSES = "val/accuracy"
CPU_UTILIZATION = (
    "cpu/utilization"  # processor time by time of training; 1 is one core all the time
)


class JournalLogger(Logger):
    """Lightning's way to the journal.

    An epoch is one line, which must follow its checkpoint: the `Recorder` hands it over whole.
    What Lightning logs call by call is in that line, and is not written twice.

    Args:
        run: whose journal it is.
        journal: opened by the run's one writer; None in the other processes of a DDP trial.
    """

    def __init__(self, run: Run, journal: Journal | None) -> None:
        super().__init__()
        self.run, self.journal = run, journal

    @property
    def name(self) -> str:
        """The trial's key."""
        return self.run.key

    @property
    def version(self) -> str:
        """The run's number."""
        return self.run.number

    def write(self, entry: Entry) -> None:
        """Append a line to the journal, in the process that owns it."""
        if self.journal is not None:
            self.journal.append(entry)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Leave the metrics to the epoch's line."""

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Leave the configuration to ``trial.json``, which stands before training."""


class Recorder(Checkpoint):
    """Records each epoch of training, and stops after one when asked.

    Args:
        run: where it goes.
        logger: what writes the journal.

    Attributes:
        stop_requested: set from outside: end behind the next checkpoint.
        best_epoch: the epoch that validation chooses so far, -1 before any.
    """

    def __init__(self, run: Run, logger: JournalLogger) -> None:
        self.run, self.logger = run, logger
        self.stop_requested = False
        self.best_epoch, self._best = -1, -1.0
        self._line = ""
        self._started = self._trained = 0.0
        self._cpu_started = self._cpu_trained = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Start the epoch's clock."""
        self._started = self._clock(trainer)
        self._cpu_started = time.process_time()

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Stop the clock of training: evaluation is not in it."""
        self._trained = self._clock(trainer)
        self._cpu_trained = time.process_time()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write best weights, checkpoint and journal, in this order: a kill loses no more."""
        entry = self._entry(trainer)
        self._line = entry.encode()
        is_best = entry.metrics[CHOOSES] > self._best  # the first of equals is chosen
        if is_best:
            self.best_epoch, self._best = trainer.current_epoch, entry.metrics[CHOOSES]
        if trainer.is_global_zero and is_best:
            network = module.network
            assert isinstance(network, nn.Module)
            save_weights(network, self.run.folder / BEST)
        trainer.save_checkpoint(self.run.folder / CHECKPOINT, weights_only=False)
        self.logger.write(entry)
        if trainer.strategy.reduce_boolean_decision(self.stop_requested, all=False):
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Return what the checkpoint carries: the epoch's line, and which epoch is best so far."""
        return {"line": self._line, "best_epoch": self.best_epoch, "best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.best_epoch, self._best = state_dict["best_epoch"], state_dict["best"]

    def _entry(self, trainer: pl.Trainer) -> Entry:
        seconds = self._trained - self._started
        data = trainer.datamodule  # type: ignore[attr-defined]
        images = data.epoch_images(int(trainer.num_training_batches))
        metrics = {name: shortest(value) for name, value in trainer.callback_metrics.items()}
        measured = {
            "time/epoch_seconds": seconds,
            "time/validation_seconds": self._clock(trainer) - self._trained,
            "throughput/images_per_second": images / seconds,
            "memory/peak_bytes": float(peak_memory()),
        }
        if trainer.world_size == 1 and trainer.strategy.root_device.type == "cpu":
            # Others wait by design, for each other or for a device: that tells of no load.
            measured[CPU_UTILIZATION] = (self._cpu_trained - self._cpu_started) / seconds
        return Entry("epoch", time.time(), trainer.current_epoch, metrics, measured)

    @staticmethod
    def _clock(trainer: pl.Trainer) -> float:
        if trainer.strategy.root_device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def checkpoint_line(checkpoint: Path) -> Entry | None:
    """Return the journal line that a checkpoint carries, None where it is not there or not whole.

    The sums in the file are compared: torch reads over a byte that has changed.

    Raises:
        OSError: the machine cannot read it.
    """
    try:
        with ZipFile(checkpoint) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            return None
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        return Entry.decode(content["callbacks"][Recorder.__qualname__]["line"])
    except OSError as error:
        if resource_error(error) is not None:  # it may be whole, and must not be trained over
            raise
        return None
    except (BadZipFile, RuntimeError, ValueError, LookupError, UnpicklingError):
        return None


def save_weights(network: nn.Module, path: Path) -> None:
    """Write a network's state as safetensors, whole or not at all."""
    state = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in network.state_dict().items()
    }
    write_atomic(path, save(state))


def shortest(value: Tensor | float) -> float:
    """Return a float32 metric as the shortest decimal that stands for it: 0.1, not 0.10000000149.

    Example:
        >>> shortest(torch.tensor(0.1))
        0.1
    """
    return float(str(np.float32(float(value))))
