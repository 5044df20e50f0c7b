"""What the nodes of a Ray cluster run: trials, and a look at the lab."""

import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ablab.errors import NO_RESOURCE
from ablab.sweep.launch.trial_process import MODULE, TrialProcess
from ablab.training.settings import ProcessSettings

_OWN = {"ABLAB_DATA"}  # where a node has it in its environment, it has data of its own


@dataclass(frozen=True)
class RayTrial:
    """A trial to train on whichever node has room.

    Attributes:
        folder: of the run, on storage that all nodes share.
        settings: of `ablab.training.process.run_process`.
        variables: environment variables of the process.
        directory: where it runs.
        module: its program.
    """

    folder: Path
    settings: ProcessSettings
    variables: Mapping[str, str]
    directory: Path
    module: str = MODULE


def train_on_node(trial: RayTrial) -> tuple[int, str]:
    """Train a run in a child process of this Ray worker.

    Returns:
        The exit status of the child, negative for a signal; and why nothing was trained, or an
        empty text.
    """
    for folder in (trial.folder, trial.directory):
        if not folder.is_dir():
            return NO_RESOURCE, hidden(folder, [socket.gethostname()])
    own = _OWN & os.environ.keys()
    variables = {name: text for name, text in trial.variables.items() if name not in own}
    process = TrialProcess(trial.folder, trial.settings, trial.module, variables, trial.directory)
    with _first_interrupt_only():
        return process.run(), ""


@contextmanager
def _first_interrupt_only() -> Iterator[None]:
    """Ignore further interrupts, by which Ray cancels, while the first one ends the trial."""

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, lambda *_: None)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def sees(path: Path) -> tuple[str, bool]:
    """Return the name of this node, and whether a file is there."""
    return socket.gethostname(), path.exists()


def hidden(folder: Path, hosts: list[str]) -> str:
    """Return the message on a folder that nodes do not see."""
    return (
        f"{folder} must be on storage that all nodes of the cluster share, got none on "
        f"{', '.join(sorted(set(hosts)))}"
    )
