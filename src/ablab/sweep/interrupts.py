"""Ctrl-C, once and twice, for the time that a sweep trains."""

import signal
from contextlib import ExitStack
from types import FrameType

from ablab.signals import ENDING, handling


class Interrupts:
    """Counts how often the user, or the system by SIGTERM or SIGHUP, has asked to stop.

    Outside the main thread Python hands out no signals, and the count stays 0.

    Attributes:
        count: how often.
        code: the exit code that the first one asks for.
    """

    def __init__(self) -> None:
        self.count = 0
        self.code = 128 + signal.SIGINT
        self._stack = ExitStack()

    def __enter__(self) -> "Interrupts":
        self._stack.enter_context(handling(dict.fromkeys(ENDING, self._note)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if not self.count:
            self.code = 128 + number
        self.count += 1
