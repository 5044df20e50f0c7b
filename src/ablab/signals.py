"""Handles SIGINT, SIGTERM and SIGHUP: a command ends within a second of a signal."""

import faulthandler
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import BinaryIO

from ablab.errors import TERMINATED

Handler = Callable[[int, FrameType | None], None] | signal.Handlers

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STACK_SIGNAL = signal.SIGUSR1  # a training process writes its Python stack to its log
_SECONDS = 0.8  # for cleaning up
_POLL_SECONDS = 1.0  # between two looks at the parent process


class TerminatedError(BaseException):
    """A signal ends the process; a `BaseException`, so that no `except Exception` catches it.

    Attributes:
        code: exit code of the process, 128 + signal number.
    """

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


def request_stack(pid: int | None) -> None:
    """Send `STACK_SIGNAL` to a process, unless it has ended or was not started."""
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, STACK_SIGNAL)


@contextmanager
def handle_signals(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    """Handle signals in the block, including those that the parent process has blocked.

    An ignored SIGHUP remains ignored, as ``nohup`` intends. Does nothing outside the main thread,
    where Python delivers no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else set()
    before = {n: signal.signal(n, handlers[n]) for n in handlers if n not in kept}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, END_SIGNALS)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def dump_stacks_to(log: BinaryIO) -> Iterator[None]:
    """Write the Python stack of each thread to a file at `STACK_SIGNAL`, and go on.

    Written by C code: also of a process that hangs in a library.
    """
    faulthandler.register(STACK_SIGNAL, log, all_threads=True)
    try:
        yield
    finally:
        faulthandler.unregister(STACK_SIGNAL)


def end_with_parent() -> None:
    """Let this process exit as soon as the process that started it has ended."""
    import multiprocessing  # late: nine milliseconds, and most commands start no process

    parent = multiprocessing.parent_process()
    sentinel = None if parent is None else parent.sentinel
    threading.Thread(target=_exit_after_parent, args=(sentinel, os.getppid()), daemon=True).start()


def _exit_after_parent(sentinel: int | None, parent: int) -> None:
    """Exit at once when the parent process has ended; a trial resumes from its checkpoint.

    Args:
        sentinel: ready when the parent has ended, if multiprocessing started this process.
        parent: process id of the parent, used without a sentinel.
    """
    if sentinel is not None:
        from multiprocessing.connection import wait

        wait([sentinel])
    while sentinel is None and os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(TERMINATED)


class SignalExit:
    """Ends a command on a signal.

    The first signal raises `TerminatedError`. If a library's bare `except:` swallows it, or a
    second signal arrives, the process exits without cleaning up; files are consistent at any time.

    Attributes:
        code: exit code of the first signal, None before one.
    """

    def __init__(self) -> None:
        self.code: int | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals in the block."""
        with handle_signals(dict.fromkeys(END_SIGNALS, self._end)):
            yield

    @staticmethod
    def settle() -> None:
        """Ignore further signals, so that none changes the exit code while Python shuts down."""
        if threading.current_thread() is threading.main_thread():
            for number in END_SIGNALS:  # Python removes handlers early in its shutdown
                signal.signal(number, signal.SIG_IGN)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        if self.code is not None:
            os._exit(self.code)
        self.code = code = 128 + number
        signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
        signal.setitimer(signal.ITIMER_REAL, _SECONDS)
        raise TerminatedError(code)
