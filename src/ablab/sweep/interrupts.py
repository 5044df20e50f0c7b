"""Counts interrupts (Ctrl-C, SIGTERM, SIGHUP) while a sweep trains."""

import signal
from contextlib import ExitStack
from types import FrameType

from ablab.signals import END_SIGNALS, handle_signals


class Interrupts:
    """Counts how often the user, or the system by SIGTERM or SIGHUP, has asked to stop.

    Python handles signals in the main thread alone; in any other thread the count stays 0.

    Attributes:
        count: number of signals so far.
        code: exit code of a command that the first signal stopped.
    """

    def __init__(self) -> None:
        self.count = 0
        self.code = 128 + signal.SIGINT
        self._stack = ExitStack()

    def __enter__(self) -> "Interrupts":
        self._stack.enter_context(handle_signals(dict.fromkeys(END_SIGNALS, self._count)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _count(self, number: int, _frame: FrameType | None) -> None:
        if not self.count:
            self.code = 128 + number
        self.count += 1
