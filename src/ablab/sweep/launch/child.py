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
    """Train the take in ``folder`` and return the exit status of `ablab.training.process.work`."""
    from ablab.training.process import work

    try:
        return work(folder, settings)
    except ResourceError as error:
        return error.exit_code


def run_one(
    work: Work, environment: Mapping[str, str], folder: Path, settings: ProcessSettings
) -> None:
    """Do one take and exit with its status.

    Args:
        work: what trains it.
        environment: all variables of this process.
        folder: the take's.
        settings: of `ablab.training.process.work`.
    """
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    _settle(environment)
    sys.exit(work(folder, settings))


def serve(work: Work, environment: Mapping[str, str], orders: Connection) -> None:
    """Do one take after the other, each as it is ordered, until the launcher hangs up."""
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
