"""Ctrl-C, once and twice, for the time that a sweep runs."""

import signal
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """Counts how often the user, or the system by SIGTERM, has asked to stop.

    Outside the main thread Python hands out no signals, and the count stays 0.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
