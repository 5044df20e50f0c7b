"""A trial that trains together with others: its data, module, checkpoint and records."""

import io
from typing import Any

import torch

from ablab.data.batches import Batches
from ablab.data.module import InMemoryDataModule
from ablab.model.epoch_metrics import EpochOutputs
from ablab.tracking.files import write_atomic
from ablab.tracking.journal import Entry
from ablab.tracking.run import CHECKPOINT
from ablab.training.fused.update import State
from ablab.training.recorder import Recorder, to_short_float
from ablab.training.run import Training

DTYPES = {"32-true": torch.float32, "64-true": torch.float64}  # by `trainer.precision`


class Member:
    """One of the trials that train together; it continues from its own checkpoint.

    Args:
        training: its run, journal, data and records.

    Attributes:
        module: with its network, loss and regularizer.
        epoch: the next epoch, from 0.
        state: of its optimizer and scheduler at that epoch; None at the start.
        batches, val_batches: of its own split.
    """

    def __init__(self, training: Training) -> None:
        self.training, self.config, data = training, training.config, training.data
        assert isinstance(data, InMemoryDataModule)  # `ablab.config.fused` refuses others
        trainer = training.trainer()
        device = trainer.strategy.root_device
        data.trainer = trainer  # its images are on the device of its trainer
        dtype = DTYPES[self.config["trainer"]["precision"]]
        self.module = training.build(device).to(device, dtype)
        self.epoch = 0
        self.state: State | None = None
        self._load(device)
        self.batches: Batches = data.train_dataloader()
        self.val_batches: Batches = data.val_dataloader()

    @property
    def total_steps(self) -> int:
        """Number of steps of the whole training."""
        return len(self.batches) * int(self.config["trainer"]["max_epochs"])

    @property
    def images(self) -> int:
        """Number of images in an epoch."""
        return self.training.data.epoch_images(len(self.batches))

    @property
    def is_trained(self) -> bool:
        """Whether no epoch is left."""
        return self.epoch >= int(self.config["trainer"]["max_epochs"])

    def metrics(self, stage: str, outputs: EpochOutputs) -> dict[str, float]:
        """Return the metrics of a stage of an epoch, as the journal has them."""
        values: dict[str, Any] = self.module.metrics.compute(outputs)
        return {f"{stage}/{name}": to_short_float(value) for name, value in values.items()}

    def record(self, entry: Entry, state: State) -> None:
        """Write best weights, checkpoint and journal line of the epoch, which is then the last.

        Args:
            entry: the journal line.
            state: of its optimizer and scheduler.
        """
        recorder, network = self.training.recorder, self.module.network

        def save_checkpoint() -> None:
            content = {
                "epoch": self.epoch,
                "network": network.state_dict(),
                "update": state,
                "callbacks": {Recorder.__qualname__: recorder.state_dict()},
            }
            buffer = io.BytesIO()
            torch.save(content, buffer)
            write_atomic(self.training.run.folder / CHECKPOINT, buffer.getbuffer())

        recorder.record(entry, network, self.training.data, save_checkpoint)
        self.epoch, self.state = self.epoch + 1, state

    def _load(self, device: torch.device) -> None:
        """Continue from the last checkpoint, if there is one."""
        checkpoint = self.training.resume()
        if checkpoint is None:
            return
        content = torch.load(checkpoint, map_location=device, weights_only=True)
        self.module.network.load_state_dict(content["network"])
        self.training.recorder.load_state_dict(content["callbacks"][Recorder.__qualname__])
        self.epoch, self.state = content["epoch"] + 1, content["update"]
