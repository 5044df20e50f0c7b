"""Records of each epoch: best weights, then the checkpoint, then the journal."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from ablab.data.trial_data import TrialData
from ablab.errors import resource_error
from ablab.lightning import pl
from ablab.model.preprocessing import InputFormat
from ablab.tracking.files import write_atomic
from ablab.tracking.journal import Entry, Journal
from ablab.tracking.records import BEST
from ablab.tracking.run import CHECKPOINT, Run
from ablab.training.environment import peak_memory

SELECTION_METRIC = "val/accuracy"
CPU_UTILIZATION = "cpu/utilization"  # CPU seconds per second of training; 1 is one busy core


class JournalLogger(pl.loggers.Logger):
    """Writes to the journal of a run.

    The `Recorder` writes an epoch as one line, after its checkpoint. That line contains what
    Lightning logs in single calls, which are therefore ignored here.

    Args:
        run: the run.
        journal: opened by rank 0; None in the other processes of a DDP trial.
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
        """Append an entry to the journal, in rank 0 only."""
        if self.journal is not None:
            self.journal.append(entry)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Do nothing: the epoch's line contains the metrics."""

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: ``trial.json`` contains the configuration before training starts."""


class Recorder(pl.callbacks.Checkpoint):
    """Records each epoch of training, and stops after an epoch on request.

    Args:
        run: the run; its folder gets the files.
        logger: writes the journal.

    Attributes:
        stop_requested: set it to stop after the next checkpoint.
        best_epoch: the epoch with the best validation accuracy so far, -1 before the first.
    """

    def __init__(self, run: Run, logger: JournalLogger) -> None:
        self.run, self.logger = run, logger
        self.stop_requested = False
        self.best_epoch, self._best = -1, -1.0
        self._line = ""
        self._started = self._trained = 0.0
        self._cpu_started = self._cpu_trained = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Start the clock of training."""
        self._started = self._clock(trainer)
        self._cpu_started = time.process_time()

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Stop the clock of training; validation is timed separately."""
        self._trained = self._clock(trainer)
        self._cpu_trained = time.process_time()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Write the epoch's records (see `record`)."""
        network = module.network
        assert isinstance(network, nn.Module)
        data = trainer.datamodule  # type: ignore[attr-defined]
        checkpoint = partial(
            trainer.save_checkpoint, self.run.folder / CHECKPOINT, weights_only=False
        )
        self.record(
            self._entry(trainer), network if trainer.is_global_zero else None, data, checkpoint
        )
        if trainer.strategy.reduce_boolean_decision(self.stop_requested, all=False):
            trainer.should_stop = True

    def record(
        self,
        entry: Entry,
        network: nn.Module | None,
        data: TrialData,
        save_checkpoint: Callable[[], object],
    ) -> None:
        """Write best weights, checkpoint and journal line of an epoch.

        In this order, a killed process loses at most the epoch without a checkpoint, which is
        trained again; the checkpoint contains the journal line, in case only that is missing.

        Args:
            entry: the journal line.
            network: with the epoch's weights; None in processes that store none.
            data: the trial's.
            save_checkpoint: writes the checkpoint, with `state_dict`.
        """
        self._line = entry.encode()
        is_best = entry.metrics[SELECTION_METRIC] > self._best  # of ties, the first
        if is_best:
            self.best_epoch, self._best = entry.epoch or 0, entry.metrics[SELECTION_METRIC]
        if network is not None and is_best:
            save_weights(network, self.run.folder / BEST, InputFormat.of(data))
        save_checkpoint()
        self.logger.write(entry)

    def state_dict(self) -> dict[str, Any]:
        """Return the state for the checkpoint: the epoch's line, and the best epoch so far."""
        return {"line": self._line, "best_epoch": self.best_epoch, "best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best epoch from a checkpoint."""
        self.best_epoch, self._best = state_dict["best_epoch"], state_dict["best"]

    def _entry(self, trainer: pl.Trainer) -> Entry:
        data = trainer.datamodule  # type: ignore[attr-defined]
        is_alone = trainer.world_size == 1 and trainer.strategy.root_device.type == "cpu"
        measured = measure_epoch(
            data.epoch_images(int(trainer.num_training_batches)),
            self._trained - self._started,
            self._clock(trainer) - self._trained,
            # With DDP or a GPU, processes wait by design: utilization says nothing about load.
            self._cpu_trained - self._cpu_started if is_alone else None,
        )
        metrics = {name: to_short_float(value) for name, value in trainer.callback_metrics.items()}
        return Entry("epoch", time.time(), trainer.current_epoch, metrics, measured)

    @staticmethod
    def _clock(trainer: pl.Trainer) -> float:
        if trainer.strategy.root_device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def measure_epoch(
    images: int, seconds: float, validation_seconds: float, cpu_seconds: float | None
) -> dict[str, float]:
    """Return what is measured in an epoch, by name.

    Args:
        images: that were trained on.
        seconds: of training.
        validation_seconds: of validation.
        cpu_seconds: of training; None where they say nothing.
    """
    measured = {
        "time/epoch_seconds": seconds,
        "time/validation_seconds": validation_seconds,
        "throughput/images_per_second": images / seconds,
        "memory/peak_bytes": float(peak_memory()),
    }
    if cpu_seconds is not None:
        measured[CPU_UTILIZATION] = cpu_seconds / seconds
    return measured


def checkpoint_line(checkpoint: Path) -> Entry | None:
    """Return the journal line in a checkpoint, None if the file is missing or damaged.

    The file's checksums are verified, since ``torch.load`` does not notice a changed byte.

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
        if resource_error(error) is not None:  # the file may be intact: do not overwrite it
            raise
        return None
    except (BadZipFile, RuntimeError, ValueError, LookupError, UnpicklingError):
        return None


def save_weights(network: nn.Module, path: Path, form: InputFormat) -> None:
    """Write a network's state as safetensors, atomically, with the format of its input."""
    state = {
        name: value.detach().cpu().contiguous().clone()
        for name, value in network.state_dict().items()
    }
    write_atomic(path, save(state, form.to_metadata()))


def to_short_float(value: Tensor | float) -> float:
    """Convert a float32 to the float with the shortest decimal: 0.1, not 0.10000000149.

    Example:
        >>> to_short_float(torch.tensor(0.1))
        0.1
    """
    return float(str(np.float32(float(value))))
