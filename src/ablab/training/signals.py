"""What SIGINT and SIGTERM do to a process that trains a take."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from ablab.training.recorder import Recorder

INTERRUPTED, TERMINATED = 130, 143


class TerminatedError(BaseException):
    """A signal asks to end at once; no `except Exception` may hold it up.

    Attributes:
        code: the process's exit code, 128 and the signal's number.
    """

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


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
    """Handle SIGINT and SIGTERM while a take trains.

    Args:
        recorder: ends training behind an epoch when it is asked to.
        terminal: descriptor of where the user is told so.
        in_sweep: SIGINT is the sweep's to decide about.

    Raises:
        TerminatedError: a signal asked to end at once.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if recorder.stop_requested:
            raise TerminatedError(INTERRUPTED)
        recorder.stop_requested = True
        os.write(terminal, b"\nStopping at the end of this epoch; Ctrl-C again to stop at once.\n")

    def terminate(number: int, frame: FrameType | None) -> None:
        raise TerminatedError(TERMINATED)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN if in_sweep else interrupt)
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
