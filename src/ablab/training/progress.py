"""Progress of a single trial: epoch lines and a progress bar."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from ablab.formatting import format_metric
from ablab.lightning import pl
from ablab.tracking.journal import Entry

_BATCHES_BETWEEN_UPDATES = 10


def format_epoch(entry: Entry, max_epochs: int) -> str:
    """Return one line with an epoch's losses, accuracies and seconds."""
    parts = (
        f"{part} loss {format_metric(entry.metrics[f'{part}/loss'], 'loss')}  "
        f"accuracy {format_metric(entry.metrics[f'{part}/accuracy'], 'accuracy'):>7}"
        for part in ("train", "val")
    )
    number = f"epoch {(entry.epoch or 0) + 1:>{len(str(max_epochs))}}/{max_epochs}"
    return "   ".join([number, *parts, f"{entry.measured['time/epoch_seconds']:.1f} s"])


class EpochLines:
    """Prints one line per epoch, each epoch once.

    Args:
        console: prints the lines.
        max_epochs: number of epochs of the trial.
    """

    def __init__(self, console: Console, max_epochs: int) -> None:
        self.console, self.max_epochs = console, max_epochs
        self._next = 0

    def show(self, entries: list[Entry]) -> None:
        """Print the epochs in ``entries`` that have not been printed yet."""
        for entry in entries:
            if entry.kind == "epoch" and entry.epoch is not None and entry.epoch >= self._next:
                self.console.print(format_epoch(entry, self.max_epochs), highlight=False)
                self._next = entry.epoch + 1


class ProgressBar(pl.Callback):
    """Shows the batches of the current epoch in a terminal.

    Args:
        console: the terminal.
        config: the trial's configuration.
    """

    def __init__(self, console: Console, config: Mapping[str, Any]) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=console, transient=True)
        self._epochs = config["trainer"]["max_epochs"]
        self._task: TaskID | None = None

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Show a new bar."""
        description = f"epoch {trainer.current_epoch + 1}/{self._epochs}"
        batches = trainer.num_training_batches
        total = None if math.isinf(batches) else int(batches)
        self._task = self._bar.add_task(description, total=total)
        self._bar.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Update the bar every few batches."""
        if self._task is not None and index % _BATCHES_BETWEEN_UPDATES == 0:
            self._bar.update(self._task, completed=index + 1)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Remove the bar; the epoch's line replaces it."""
        self.close()

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Remove the bar."""
        self.close()

    def close(self) -> None:
        """Stop drawing and remove the bar."""
        self._bar.stop()
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
