"""Attempts at takes in processes of their own, and what may happen to them there.

The processes are forked from a server that has imported everything, as a sweep's are. A mishap
is a function that is called in the new process before it trains.
"""

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ablab.sweep.launch.fork import PRELOAD
from ablab.sweep.launch.surroundings import inherited, thread_variables
from ablab.tracking.run import Run
from ablab.training.settings import Devices, ProcessSettings

# Every stream is drawn from: order, augmentation, dropout, initialisation, split.
SMALL = (
    "architecture=mlp",
    "architecture.widths=[16]",
    "normalization=batch",
    "dropout=dropout",
    "augmentation=crop_flip",
    "scheduler=one_cycle",
    "batch_size=256",
    "trainer.max_epochs=3",
    "devices=cpu",
)
CPU = Devices("cpu")
INHERITED = ("ABLAB_HOME", "ABLAB_ALLOW")
Mishap = Callable[[], None]


def start(run: Run, mishap: Mishap | None = None, *, in_sweep: bool = True) -> BaseProcess:
    """Start an attempt."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    settings = ProcessSettings(CPU, slots=3, in_sweep=in_sweep)
    process = context.Process(target=_attempt, args=(run.folder, settings, mishap, environment))
    with inherited(thread_variables(1)):
        process.start()
    return process


def train_apart(run: Run, mishap: Mishap | None = None, *, in_sweep: bool = True) -> int | None:
    """Make an attempt and return its exit status, negative for a signal that killed it."""
    process = start(run, mishap, in_sweep=in_sweep)
    process.join(120)
    return process.exitcode


def _attempt(
    folder: Path, settings: ProcessSettings, mishap: Mishap | None, environment: Mapping[str, str]
) -> None:
    from ablab.sweep.launch.worker import train

    os.environ.update(environment)
    if mishap is not None:
        mishap()
    sys.exit(train(folder, settings))


def shown(run: Run) -> dict[str, Any]:
    """Return what must be bit-equal whenever a trial is repeated."""
    completion = run.completion
    assert completion is not None
    epochs = [(e.epoch, dict(e.metrics)) for e in run.entries() if e.kind == "epoch"]
    same = ("best.safetensors", "test_correct.npy", "confusion_matrix.csv", "per_class.csv")
    sums = {name: completion.artifacts[name]["sha256"] for name in same}
    return {"epochs": epochs, "metrics": dict(completion.metrics), "artifacts": sums}


def kinds(run: Run) -> list[str]:
    """Return the kinds of the journal's entries."""
    return [entry.kind for entry in run.entries()]


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Return when it holds; fail after a long time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _at_step(act: Callable[[], None], epoch: int, *steps: int) -> None:
    """Act in the middle of an epoch, before the named steps."""
    from ablab.model.classifier import Classifier

    plain = Classifier.training_step

    def training_step(self: Classifier, batch: Any, step: int) -> Any:
        if self.current_epoch == epoch and step in steps:
            act()
        return plain(self, batch, step)

    Classifier.training_step = training_step


def _before(owner: Any, name: str, act: Callable[[], None], applies: Callable[..., bool]) -> None:
    """Act before a function is called with certain arguments."""
    plain = getattr(owner, name)

    def function(*arguments: Any, **named: Any) -> Any:
        if applies(*arguments):
            act()
        return plain(*arguments, **named)

    setattr(owner, name, function)


def killed_in_mid_epoch() -> None:
    """Die with half an epoch done."""
    _at_step(_kill, 1, 2)


def killed_between_best_weights_and_checkpoint() -> None:
    """Die when the best weights are those of an epoch that no checkpoint has."""
    import pytorch_lightning as pl

    _before(pl.Trainer, "save_checkpoint", _kill, lambda trainer, _: trainer.current_epoch == 1)


def killed_before_the_checkpoint_is_in_place() -> None:
    """Die with the new checkpoint written beside the old one."""
    from ablab.training.recorder import CHECKPOINT

    checkpoints = []

    def second(_: Path, path: Path) -> bool:
        checkpoints.append(path.name)
        return checkpoints.count(CHECKPOINT) == 2

    _before(Path, "replace", _kill, second)


def killed_between_checkpoint_and_journal() -> None:
    """Die when the epoch's line is in the checkpoint alone."""
    from ablab.training.recorder import JournalLogger

    _before(JournalLogger, "write", _kill, lambda _, entry: entry.epoch == 1)


def killed_behind_the_journal() -> None:
    """Die between two epochs."""
    _at_step(_kill, 2, 0)


def killed_behind_the_last_epoch() -> None:
    """Die when nothing is left but the test."""
    from ablab.training.run import Training

    _before(Training, "_finish", _kill, lambda *_: True)


def killed_before_the_completion() -> None:
    """Die behind the test, with nothing missing but the record."""
    from ablab.training import run

    _before(run, "write_completion", _kill, lambda *_: True)


def terminated() -> None:
    """Be told to end in mid-epoch."""
    _at_step(lambda: os.kill(os.getpid(), signal.SIGTERM), 1, 2)


def terminated_behind_the_completion() -> None:
    """Be told to end when there is nothing left to do."""
    from ablab.training import run

    plain = run.write_completion

    def write_completion(*arguments: Any) -> None:
        plain(*arguments)
        os.kill(os.getpid(), signal.SIGTERM)

    run.write_completion = write_completion


def interrupted_once() -> None:
    """Ctrl-C in the first epoch."""
    _at_step(lambda: os.kill(os.getpid(), signal.SIGINT), 0, 1)


def interrupted_twice() -> None:
    """Ctrl-C, and again, in the second epoch."""
    _at_step(lambda: os.kill(os.getpid(), signal.SIGINT), 1, 1, 2)


def refused_by_the_disk(number: int) -> None:
    """Be refused whatever is written from the second epoch's checkpoint on."""
    import pytorch_lightning as pl

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    def fill() -> None:
        os.fsync = refuse

    _before(pl.Trainer, "save_checkpoint", fill, lambda trainer, _: trainer.current_epoch == 1)


def limited_in_size() -> None:
    """Be allowed no file as large as a checkpoint."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def limited_in_files() -> None:
    """Be allowed no further open file, and hold one of the lowest numbers back for nobody."""
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    for _ in range(highest):
        os.dup(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, highest + 1))


def without_a_temporary_folder() -> None:
    """Find no place for temporary files, in any way that tempfile has."""
    os.environ["TMPDIR"] = "/nowhere"
    tempfile.tempdir = "/nowhere"


def hung_up() -> None:
    """Lose the terminal in mid-epoch."""
    _at_step(lambda: os.kill(os.getpid(), signal.SIGHUP), 1, 2)


def speaking_ascii() -> None:
    """Have streams that refuse other letters."""
    for text in (sys.stdout, sys.stderr):
        text.reconfigure(encoding="ascii", errors="strict")


def diverging_in_the_second_epoch() -> None:
    """Get a loss that is no number, when there is an epoch to choose."""
    from ablab.model.classifier import Classifier

    plain = Classifier.training_step

    def training_step(self: Classifier, batch: Any, step: int) -> Any:
        loss = plain(self, batch, step)
        if self.current_epoch == 1 and step == 2:
            self._trained.loss[-1] = loss.detach() * float("nan")
        return loss

    Classifier.training_step = training_step


def idle() -> None:
    """Stand still in the first epoch."""
    _at_step(lambda: time.sleep(60), 0, 0)


def start_and_wait(folder: Path, environment: Mapping[str, str]) -> None:
    """Be a sweep: start an attempt that idles, and wait for it."""
    os.environ.update(environment)
    settings = ProcessSettings(CPU, in_sweep=True)
    arguments = folder, settings, idle, environment
    trial = multiprocessing.get_context("fork").Process(target=_attempt, args=arguments)
    trial.start()
    trial.join()
