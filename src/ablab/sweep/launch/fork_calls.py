"""Calls of functions in a fork of the server that will fork the trials."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from ablab.config.threads import cpu_threads
from ablab.sweep.launch.environment import thread_variables, worker_environment
from ablab.sweep.launch.server import PRELOAD, ForkServer
from ablab.sweep.launch.worker import loop
from ablab.training.settings import Devices

_LOCAL = "ablab.sweep.launch.local.local_launcher"
_TICK = 0.02  # seconds between two checks of a server that is still importing
_END_SECONDS = 1.0  # for the process to end once its connection is closed

P = ParamSpec("P")
T = TypeVar("T")


class CallError(Exception):
    """A call that the other process could not answer; the caller makes it itself."""


class ForkCalls:
    """Calls functions that need torch in another process, so that this one never imports it.

    That process is forked from the server that forks the trials: torch and Lightning, whose import
    takes five seconds of a processor, are imported once a sweep. It is started at the first call,
    and ends with the block.

    Args:
        preload: modules that the server imports first, separated by commas.
    """

    def __init__(self, preload: str = PRELOAD) -> None:
        self._preload = preload
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> "ForkCalls":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.join(0 if kind else _END_SECONDS)
            self._process.kill()
        if kind is not None:
            ForkServer.stop_importing()  # for nothing

    def call(
        self,
        config: Mapping[str, Any],
        function: Callable[P, T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """Return the result of a call.

        Args:
            config: a resolved configuration, whose launcher and devices decide about the server.
            function: of a module.
            arguments: plain values.
            named: likewise.

        Raises:
            CallError: no trial will be forked, this process has imported torch itself, the other
                process died, or the function raised an exception.
        """
        if "torch" in sys.modules or not _forks_trials(config):
            raise CallError
        try:
            connection = self._connect(cpu_threads(config["launcher"]))
            connection.send((str(Path.cwd()), function, arguments, named))
            answers = connection.recv()
        except (EOFError, OSError) as error:  # no process could be started, or it died
            raise CallError from error
        if not answers:
            raise CallError
        result: T = answers[0]
        return result

    def _connect(self, threads: int) -> Connection:
        """Return the connection to the process, which is started at the first call."""
        if self._connection is None:
            server, variables = ForkServer(self._preload, threads), thread_variables(threads)
            while not server.is_ready():
                time.sleep(_TICK)
            ours, theirs = server.context.Pipe()
            environment = {**os.environ, **variables}
            self._process = server.context.Process(
                target=loop, args=(_answer, environment, theirs), daemon=True
            )
            with worker_environment(variables):
                self._process.start()
            theirs.close()
            self._connection = ours
        return self._connection


def _forks_trials(config: Mapping[str, Any]) -> bool:
    """Return whether trials will be forked from a server of this process."""
    if sys.platform == "darwin" or config["launcher"].get("_target_") != _LOCAL:
        return False
    return not Devices(**config["devices"]).may_be_several


def _answer(
    folder: str, function: Callable[..., T], arguments: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[T, ...]:
    """Return the result of a call, or nothing after an exception: the caller meets it again.

    Args:
        folder: working folder of the caller.
        function: called.
        arguments: passed to it.
        named: likewise.
    """
    try:
        os.chdir(folder)
        return (function(*arguments, **named),)
    except Exception:
        return ()
