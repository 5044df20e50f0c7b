"""Handling of SIGINT, SIGTERM and SIGHUP while a run trains."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from ablab.errors import INTERRUPTED
from ablab.lightning import pl
from ablab.signals import TerminatedError, handle_signals
from ablab.training.recorder import Recorder

STOPPING = "Stopping at the end of this epoch; Ctrl-C again to stop at once."


class KeepSigtermHandler(pl.Callback):
    """Restores ablab's SIGTERM handler: Lightning's would wait for all ranks, and exit with 0."""

    def __init__(self) -> None:
        self._handler: Any = signal.SIG_DFL

    def setup(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        """Save the handler before Lightning replaces it."""
        self._handler = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Restore the handler."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handler)

    def on_test_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Restore the handler."""
        self.on_train_start(trainer, module)


@contextmanager
def handle_training_signals(recorder: Recorder, terminal: int, *, in_sweep: bool) -> Iterator[None]:
    """Handle SIGINT, SIGTERM and SIGHUP while a run trains.

    Args:
        recorder: stops training after the epoch at the first SIGINT.
        terminal: file descriptor for the message to the user.
        in_sweep: whether to ignore SIGINT and SIGHUP, which a sweep handles for its trials.

    Raises:
        TerminatedError: SIGTERM, SIGHUP or a second SIGINT ended training at once.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if recorder.stop_requested:
            raise TerminatedError(INTERRUPTED)
        recorder.stop_requested = True
        with suppress(OSError):  # the terminal is closed
            os.write(terminal, f"\n{STOPPING}\n".encode())

    def terminate(number: int, frame: FrameType | None) -> None:
        raise TerminatedError(128 + number)

    ignored = signal.SIG_IGN
    with handle_signals(
        {
            signal.SIGINT: ignored if in_sweep else interrupt,
            signal.SIGHUP: ignored if in_sweep else terminate,
            signal.SIGTERM: terminate,
        }
    ):
        yield
