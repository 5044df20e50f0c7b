"""The code that a process started by a launcher runs."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ablab.errors import ResourceError
from ablab.signals import END_SIGNALS
from ablab.training.settings import ProcessSettings

Target = Callable[[Path, ProcessSettings], int]


def train(folder: Path, settings: ProcessSettings) -> int:
    """Train the run in ``folder`` and return the exit status of `run_process`."""
    from ablab.training.process import run_process

    try:
        return run_process(folder, settings)
    except ResourceError as error:
        return error.exit_code


def run_once(
    target: Target, environment: Mapping[str, str], folder: Path, settings: ProcessSettings
) -> None:
    """Train one run and exit with its status.

    Args:
        target: trains the run and returns the status.
        environment: replaces all environment variables of this process.
        folder: of the run.
        settings: of `ablab.training.process.run_process`.
    """
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    _set_up(environment)
    sys.exit(target(folder, settings))


def loop(
    target: Callable[..., Any], environment: Mapping[str, str], connection: Connection
) -> None:
    """Answer the calls received on ``connection``, one at a time, until the other end closes it.

    Args:
        target: called with what is received, a tuple of arguments; its result is sent back.
        environment: added to the environment variables of this process.
        connection: to the process that calls.
    """
    _set_up(environment)
    while True:
        try:
            connection.send(target(*connection.recv()))
        except (EOFError, ConnectionError):  # the other process has ended
            return


def _set_up(environment: Mapping[str, str]) -> None:
    # A terminal sends these to all processes; the sweep decides, and stops its trials by SIGTERM.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, END_SIGNALS)  # blocked by `worker_environment`
    os.environ.update(environment)
