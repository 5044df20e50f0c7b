"""SIGINT, SIGTERM and SIGHUP: a command that is asked to end does so within a second."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None] | signal.Handlers

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SECONDS = 0.8  # that a command has to tidy up


class TerminatedError(BaseException):
    """A signal asks to end at once; no `except Exception` may hold it up.

    Attributes:
        code: the process's exit code, 128 and the signal's number.
    """

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


@contextmanager
def handling(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """Handle signals in the block, also those that whoever started this process has blocked.

    A SIGHUP that is ignored stays so: that is what ``nohup`` means. Outside the main thread
    Python hands out no signals, and nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else set()
    before = {n: signal.signal(n, handlers[n]) for n in handlers if n not in kept}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Ending:
    """Ends a command when a signal asks for it, whatever it is about.

    The first one raises `TerminatedError`. Where a library's `except:` swallows that, or a second
    signal arrives, the process exits without tidying up: all that it writes is whole at any time.

    Attributes:
        code: the exit code that a signal has asked for, None before one.
    """

    def __init__(self) -> None:
        self.code: int | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals in the block."""
        with handling(dict.fromkeys(ENDING, self._end)):
            yield

    @staticmethod
    def settle() -> None:
        """Let no further signal change the exit code: what is left is the interpreter's end."""
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:  # a handler would be taken away before that end
                signal.signal(number, signal.SIG_IGN)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        if self.code is not None:
            os._exit(self.code)
        self.code = code = 128 + number
        signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
        signal.setitimer(signal.ITIMER_REAL, _SECONDS)
        raise TerminatedError(code)
