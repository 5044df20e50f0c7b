"""Training of a single trial: `ablab train`.

Torch and Lightning are imported once there is something to train, or to check: a finished trial is
shown without them, in an eighth of the processor time.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial

from rich.console import Console

from ablab import terminal
from ablab.config.check_records import recorded
from ablab.config.checks import check, checked
from ablab.config.compose import compose
from ablab.config.preflight import device_notes, gpus_elsewhere
from ablab.config.probe_switches import has_measured
from ablab.config.threads import threads_note
from ablab.config.trial import Trial, resolve
from ablab.disk import require_space
from ablab.errors import FINISHED, ResourceError, StoreError
from ablab.faults import ConfigError
from ablab.importing import without_gc
from ablab.model.warm_start import init_from_note
from ablab.text import format_count
from ablab.tracking.address import locate
from ablab.tracking.background_delivery import DELIVERING, BackgroundDelivery
from ablab.tracking.completion import completion_sha
from ablab.tracking.delivery import deliver
from ablab.tracking.files import DamagedError
from ablab.tracking.lab import Lab
from ablab.tracking.mlflow_runs import RunDeletedError
from ablab.tracking.run import Run
from ablab.tracking.store import Store, fault, prepare
from ablab.tracking.sweep_run import TRIALS, delivered_runs, describe_trial
from ablab.training.opening import open_run

_DELIVERY_SECONDS = 60.0


def train(
    overrides: Sequence[str] = (),
    *,
    fresh: bool = False,
    offline: bool = False,
    console: Console | None = None,
    runner: Callable[[Run, Trial, Console], int] | None = None,
) -> tuple[int, Run]:
    """Train one trial to its end, unless it is finished.

    Args:
        overrides: as on the command line.
        fresh: train a new run even if there is one; the old one is kept.
        offline: do not use the MLflow store; ``ablab sync`` delivers later.
        console: shows progress.
        runner: trains the run and returns the exit code; by default `run_in_foreground`.

    Returns:
        The exit code (see `ablab.training.process.run_process`) and the run.

    Raises:
        ConfigError: all faults of the configuration, before anything is written.
        ResourceError: the machine lacks something, such as disk space.
    """
    console = console or terminal.make_console()
    with nullcontext() if "torch" in sys.modules else checked.done_by(recorded(check)):
        trial = resolve(compose(overrides))
    _require_this_machine(trial)
    lab = Lab.open()
    offline = offline or not trial.config["tracking"]["deliver"]
    finished = None if fresh else _finished(lab, trial, console)
    if finished is not None and not (not offline and _was_deleted(finished, lab, console)):
        return FINISHED, finished
    require_space(lab.root)
    store_notes = [] if offline else _store_notes(lab)
    run = _open_run(lab, trial, fresh, console)
    for note in (*device_notes(), *store_notes):
        console.print(note, style="yellow", soft_wrap=True)
    epochs = len([e for e in run.entries() if e.kind == "epoch"])
    action = f"continues after epoch {epochs}" if epochs else "starts"
    console.print(f"Trial {trial.key} {action}: {_summary(trial)}", highlight=False)
    for note in _notes(trial):
        console.print(note, highlight=False, markup=False)
    with without_gc():
        from ablab.training.foreground import run_in_foreground
    with _delivering(run, lab, console, offline):
        code = (runner or run_in_foreground)(run, trial, console)
    return code, run


def _require_this_machine(trial: Trial) -> None:
    """Refuse a launcher on other machines: a single trial is trained here.

    Raises:
        ConfigError: its devices are elsewhere.
    """
    if gpus_elsewhere(trial.config) is not None:
        raise ConfigError(
            [
                "launcher must be local to train one trial (ablab sweep and ablab train -m use "
                f"others), got {trial.choices['launcher']}"
            ]
        )


def _finished(lab: Lab, trial: Trial, console: Console) -> Run | None:
    """Return the trial's finished run, None if there is none or it lacks a requested probe."""
    run = lab.finished(trial.key)
    if run is None or has_measured(run.trial, trial.config["probes"]):
        return run
    console.print("The finished run lacks a requested probe: training a new run.")
    return None


def _store_notes(lab: Lab) -> list[str]:
    """Return a note if the MLflow store cannot be used now.

    Raises:
        StoreError: its address is invalid.
    """
    problem = fault(lab)
    return [f"{problem}. Training continues; `ablab sync` delivers later."] if problem else []


def _open_run(lab: Lab, trial: Trial, fresh: bool, console: Console) -> Run:
    """Return the run to continue, or a new one, for example if the records are damaged.

    Raises:
        ConfigError: another process is training it.
    """
    before = [] if fresh else lab.runs(trial.key)
    run = open_run(lab, trial.as_dict(), fresh=fresh)
    if run.is_locked():
        raise ConfigError([f"trial must be idle, got {trial.key}, which a process trains now"])
    if before and before[-1].number != run.number and before[-1].status() == "damaged":
        console.print(f"{before[-1].damage()}. Training a new run.", soft_wrap=True)
    return run


def _notes(trial: Trial) -> list[str]:
    """Return notes on threads, data and initial weights."""
    import torch

    from ablab.model import build

    data = build.datamodule(trial.config)
    notes = [*filter(None, [threads_note(trial.config["launcher"])]), *data.notes]
    if trial.config["init_from"] is None:
        return notes
    network = build.network(trial.config, data, torch.Generator())[0]
    return [*notes, init_from_note(network, trial.config)]


def _summary(trial: Trial) -> str:
    names = ("architecture", "activation", "dataset", "optimizer")
    components = ", ".join(trial.choices[name] for name in names)
    epochs = trial.config["trainer"]["max_epochs"]
    return f"{components}, seed {trial.config['seed']}, {format_count(epochs, 'epoch')}"


@contextmanager
def _delivering(run: Run, lab: Lab, console: Console, offline: bool) -> Iterator[None]:
    """Deliver the run to MLflow while it trains, by a process in the background."""
    if offline:
        yield
        return
    delivery = BackgroundDelivery(lab)
    name, tags = describe_trial(run.trial)
    delivery.submit(run, TRIALS, name=name, tags=tags)
    try:
        yield
    finally:
        delivery.submit(run, TRIALS, name=name, tags=tags)
        for missing in delivery.close(_DELIVERY_SECONDS, partial(console.print, DELIVERING)):
            message = f"Not in MLflow yet: {missing.reason}. `ablab sync` delivers it."
            console.print(message, style="yellow", soft_wrap=True, markup=False)


def _is_held(run: Run, lab: Lab) -> bool:
    """Return whether the lab's own store holds a finished run as it is, asked without MLflow."""
    try:
        address = locate(lab.root)
        if not address.is_own:
            return False
        prepare(lab)
        delivered, _ = delivered_runs(address, TRIALS)
    except (StoreError, OSError):  # met again, and shown
        return False
    return delivered.get(f"{run.key}/{run.number}") == completion_sha(run.folder)


def _was_deleted(run: Run, lab: Lab, console: Console) -> bool:
    """Deliver a finished run; if its MLflow run was deleted, discard it and return True."""
    if _is_held(run, lab):
        return False
    name, tags = describe_trial(run.trial)
    try:
        deliver(run, Store.open(lab), TRIALS, name=name, tags=tags)
    except RunDeletedError:
        run.discard("its run was deleted in MLflow")
        console.print("Its MLflow run was deleted: training a new run.", style="yellow")
        return True
    except (StoreError, DamagedError, OSError, ResourceError) as error:
        message = f"{error}. `ablab sync` delivers later."
        console.print(message, style="yellow", soft_wrap=True, markup=False)
    return False
