"""What runs in a process that a launcher started."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

from ablab.errors import ResourceError
from ablab.signals import ENDING
from ablab.training.settings import ProcessSettings

Work = Callable[[Path, ProcessSettings], int]


def train(folder: Path, settings: ProcessSettings) -> int:
    """Train the run in ``folder`` and return the exit status of `run_process`."""
    from ablab.training.process import run_process

    try:
        return run_process(folder, settings)
    except ResourceError as error:
        return error.exit_code


def run_one(
    work: Work, environment: Mapping[str, str], folder: Path, settings: ProcessSettings
) -> None:
    """Do one run and exit with its status.

    Args:
        work: what trains it.
        environment: all variables of this process.
        folder: the run's.
        settings: of `ablab.training.process.run_process`.
    """
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    _settle(environment)
    sys.exit(work(folder, settings))


def serve(work: Work, environment: Mapping[str, str], orders: Connection) -> None:
    """Do one run after the other, each as it is ordered, until the launcher hangs up."""
    _settle(environment)
    while True:
        try:
            folder, settings = orders.recv()
        except EOFError:
            return
        orders.send(work(folder, settings))


def _settle(environment: Mapping[str, str]) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal's are for the sweep to pass on
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # see `inherited`
    os.environ.update(environment)
