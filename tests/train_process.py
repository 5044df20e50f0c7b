"""Training of runs in subprocesses, and the disturbances that tests inject into them.

The processes are forked from a server that has imported everything, as those of a sweep. A
disturbance is a function that is called in the new process before it trains.
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

from forked import VARIABLES, server

from ablab.signals import STACK_SIGNAL
from ablab.sweep.launch.environment import worker_environment
from ablab.tracking.run import Run
from ablab.training.settings import Devices, ProcessSettings

# Uses every random stream: order, augmentation, dropout, initialization, split.
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
Disturbance = Callable[[], None]


def start(
    run: Run, disturbance: Disturbance | None = None, *, in_sweep: bool = True
) -> BaseProcess:
    """Start to train a run in a subprocess."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    settings = ProcessSettings(CPU, slots=3, in_sweep=in_sweep)
    process = server().Process(target=_train, args=(run.folder, settings, disturbance, environment))
    with worker_environment(VARIABLES):
        process.start()
    return process


def train_in_subprocess(
    run: Run, disturbance: Disturbance | None = None, *, in_sweep: bool = True
) -> int | None:
    """Train a run in a subprocess; return its exit code, negative for a signal that killed it."""
    process = start(run, disturbance, in_sweep=in_sweep)
    process.join(120)
    return process.exitcode


def _train(
    folder: Path,
    settings: ProcessSettings,
    disturbance: Disturbance | None,
    environment: Mapping[str, str],
) -> None:
    from ablab.sweep.launch.worker import train

    os.environ.update(environment)
    if disturbance is not None:
        disturbance()
    sys.exit(train(folder, settings))


def results(run: Run) -> dict[str, Any]:
    """Return the results that must be bit-equal whenever a trial is repeated."""
    completion = run.completion
    assert completion is not None
    epochs = [(e.epoch, dict(e.metrics)) for e in run.entries() if e.kind == "epoch"]
    names = ("best.safetensors", "test_correct.npy", "confusion_matrix.csv", "per_class.csv")
    sums = {name: completion.artifacts[name]["sha256"] for name in names}
    return {"epochs": epochs, "metrics": dict(completion.metrics), "artifacts": sums}


def kinds(run: Run) -> list[str]:
    """Return the kinds of the journal's entries."""
    return [entry.kind for entry in run.entries()]


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition holds; fail after a timeout."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _at_step(act: Callable[[], None], epoch: int, *steps: int) -> None:
    """Call ``act`` in an epoch, before the named steps."""
    from ablab.model.classifier import Classifier

    original = Classifier.training_step

    def training_step(self: Classifier, batch: Any, step: int) -> Any:
        if self.current_epoch == epoch and step in steps:
            act()
        return original(self, batch, step)

    Classifier.training_step = training_step


def _before(owner: Any, name: str, act: Callable[[], None], applies: Callable[..., bool]) -> None:
    """Call ``act`` before each call of a function whose arguments satisfy ``applies``."""
    original = getattr(owner, name)

    def function(*arguments: Any, **named: Any) -> Any:
        if applies(*arguments):
            act()
        return original(*arguments, **named)

    setattr(owner, name, function)


def killed_during_an_epoch() -> None:
    """Kill the process during the second epoch."""
    _at_step(_kill, 1, 2)


def killed_between_best_weights_and_checkpoint() -> None:
    """Kill the process after it wrote best weights, before their epoch's checkpoint."""
    import pytorch_lightning as pl

    _before(pl.Trainer, "save_checkpoint", _kill, lambda trainer, _: trainer.current_epoch == 1)


def killed_before_the_checkpoint_is_in_place() -> None:
    """Kill the process when the second checkpoint is written, but has not replaced the first."""
    from ablab.tracking.run import CHECKPOINT

    checkpoints = []

    def second(_: Path, path: Path) -> bool:
        checkpoints.append(path.name)
        return checkpoints.count(CHECKPOINT) == 2

    _before(Path, "replace", _kill, second)


def killed_between_checkpoint_and_journal() -> None:
    """Kill the process when an epoch's line is only in the checkpoint."""
    from ablab.training.recorder import JournalLogger

    _before(JournalLogger, "write", _kill, lambda _, entry: entry.epoch == 1)


def killed_after_the_journal() -> None:
    """Kill the process between two epochs."""
    _at_step(_kill, 2, 0)


def killed_after_the_last_epoch() -> None:
    """Kill the process before the test."""
    from ablab.training.run import Training

    _before(Training, "finish", _kill, lambda *_: True)


def killed_before_the_completion() -> None:
    """Kill the process after the test, before the completion record."""
    from ablab.training import run

    _before(run, "write_completion", _kill, lambda *_: True)


def terminated() -> None:
    """Send SIGTERM during the second epoch."""
    _at_step(lambda: os.kill(os.getpid(), signal.SIGTERM), 1, 2)


def terminated_after_the_completion() -> None:
    """Send SIGTERM after the completion record."""
    from ablab.training import run

    original = run.write_completion

    def write_completion(*arguments: Any) -> None:
        original(*arguments)
        os.kill(os.getpid(), signal.SIGTERM)

    run.write_completion = write_completion


def interrupted_once() -> None:
    """Send SIGINT in the first epoch."""
    _at_step(lambda: os.kill(os.getpid(), signal.SIGINT), 0, 1)


def interrupted_twice() -> None:
    """Send SIGINT twice in the second epoch."""
    _at_step(lambda: os.kill(os.getpid(), signal.SIGINT), 1, 1, 2)


def asked_for_its_stack() -> None:
    """Send the signal for the stack in the second epoch."""
    _at_step(lambda: os.kill(os.getpid(), STACK_SIGNAL), 1, 1)


def with_a_failing_disk(number: int) -> None:
    """Let every fsync fail from the second epoch's checkpoint on."""
    import pytorch_lightning as pl

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    def fill() -> None:
        os.fsync = refuse

    _before(pl.Trainer, "save_checkpoint", fill, lambda trainer, _: trainer.current_epoch == 1)


def limited_in_size() -> None:
    """Limit the size of files to less than a checkpoint."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def limited_in_files() -> None:
    """Limit open files to those that are open, with no low number left free."""
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    for _ in range(highest):
        os.dup(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, highest + 1))


def without_a_temporary_folder() -> None:
    """Let tempfile find no folder for temporary files."""
    os.environ["TMPDIR"] = "/nowhere"
    tempfile.tempdir = "/nowhere"


def hung_up() -> None:
    """Send SIGHUP during the second epoch."""
    _at_step(lambda: os.kill(os.getpid(), signal.SIGHUP), 1, 2)


def with_ascii_streams() -> None:
    """Let standard output and error refuse non-ASCII characters."""
    for text in (sys.stdout, sys.stderr):
        text.reconfigure(encoding="ascii", errors="strict")


def diverging_in_the_second_epoch() -> None:
    """Make the loss NaN in the second epoch, when the first one can be selected."""
    from ablab.model.classifier import Classifier

    original = Classifier.training_step

    def training_step(self: Classifier, batch: Any, step: int) -> Any:
        loss = original(self, batch, step)
        if self.current_epoch == 1 and step == 2:
            self._trained.loss[-1] = loss.detach() * float("nan")
        return loss

    Classifier.training_step = training_step


def idle() -> None:
    """Sleep in the first epoch."""
    _at_step(lambda: time.sleep(60), 0, 0)


def start_and_wait(folder: Path, environment: Mapping[str, str]) -> None:
    """Stand in for a sweep: start a process that idles, and wait for it."""
    os.environ.update(environment)
    settings = ProcessSettings(CPU, in_sweep=True)
    arguments = folder, settings, idle, environment
    trial = multiprocessing.get_context("fork").Process(target=_train, args=arguments)
    trial.start()
    trial.join()
