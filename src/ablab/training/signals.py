"""What SIGINT, SIGTERM and SIGHUP do to a process that trains a run."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from ablab.errors import INTERRUPTED
from ablab.signals import TerminatedError, handling
from ablab.training.recorder import Recorder

STOPPING = "Stopping at the end of this epoch; Ctrl-C again to stop at once."


class OwnSigterm(pl.Callback):
    """Keeps our handler of SIGTERM: Lightning's own would wait for all ranks inside a signal."""

    def __init__(self) -> None:
        self._ours: Any = signal.SIG_DFL

    def setup(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        """Remember the handler before Lightning replaces it."""
        self._ours = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Put it back."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._ours)

    def on_test_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Put it back."""
        self.on_train_start(trainer, module)


@contextmanager
def handled(recorder: Recorder, terminal: int, *, in_sweep: bool) -> Iterator[None]:
    """Handle SIGINT, SIGTERM and SIGHUP while a run trains.

    Args:
        recorder: ends training behind an epoch when it is asked to.
        terminal: descriptor of where the user is told so.
        in_sweep: what a terminal sends, SIGINT and SIGHUP, is the sweep's to decide about.

    Raises:
        TerminatedError: a signal asked to end at once.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if recorder.stop_requested:
            raise TerminatedError(INTERRUPTED)
        recorder.stop_requested = True
        with suppress(OSError):  # a terminal that is gone
            os.write(terminal, f"\n{STOPPING}\n".encode())

    def terminate(number: int, frame: FrameType | None) -> None:
        raise TerminatedError(128 + number)

    ignored = signal.SIG_IGN
    with handling(
        {
            signal.SIGINT: ignored if in_sweep else interrupt,
            signal.SIGHUP: ignored if in_sweep else terminate,
            signal.SIGTERM: terminate,
        }
    ):
        yield
