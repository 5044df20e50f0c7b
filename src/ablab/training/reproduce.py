"""`ablab reproduce`: trains a recorded trial anew, apart from the runs that count."""

import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from rich.console import Console

from ablab.config.compose import compose
from ablab.config.overrides import parse
from ablab.config.recorded import record_faults
from ablab.config.trial import NEUTRAL, Trial, resolve_config
from ablab.disk import require_space
from ablab.errors import InputError
from ablab.faults import ConfigError
from ablab.text import format_name
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.training.environment import describe_environment
from ablab.training.foreground import run_in_foreground
from ablab.training.opening import open_run

FOLDER = "reproductions"  # in the lab: trials/<key>/<run>, as in a lab of its own
_PATH = "dataset.path"


def reproduce(
    lab: Lab,
    key: str,
    overrides: Sequence[str] = (),
    *,
    anyway: bool = False,
    console: Console,
    runner: Callable[[Run, Trial, Console], int] = run_in_foreground,
) -> tuple[int, Run, Run]:
    """Train a finished trial anew from its record.

    The new run lies in ``lab/reproductions``: it neither counts nor goes to MLflow. A run there
    that was interrupted is continued, if nothing of the environment changed since.

    Args:
        lab: contains the trial.
        key: of the trial.
        overrides: of ``devices`` and ``dataset.path``, which are not in the key.
        anyway: whether to train on other data or source code than the record names.
        console: shows progress.
        runner: trains the run and returns the exit code.

    Returns:
        The exit code (see `ablab.training.process.run_process`), the recorded and the new run.

    Raises:
        ConfigError: the record cannot be trained here; says why, before anything is written.
        InputError: the trial is not finished, or another process reproduces it.
        ResourceError: the machine lacks something, such as disk space.
    """
    recorded = lab.finished(key)
    if recorded is None:
        runs = lab.runs(key)
        state = runs[-1].status() if runs else "not in the lab"
        raise InputError(f"trial must be finished to be reproduced, got {key}, which is {state}")
    trial = _trial_of_today(recorded, overrides)
    if (faults := _changes(recorded.trial, trial)) and not anyway:
        raise ConfigError(faults)
    require_space(lab.root)
    run = _open(Lab(lab.root / FOLDER), trial)
    when = time.strftime("%Y-%m-%d", time.localtime(recorded.completion.time))  # type: ignore[union-attr]
    host = format_name(recorded.environment.get("host", "an unknown host"))
    console.print(
        f"Trial {key}, trained on {when} on {host}, is trained anew in {run.folder}", soft_wrap=True
    )
    return runner(run, trial, console), recorded, run


def _trial_of_today(recorded: Run, overrides: Sequence[str]) -> Trial:
    """Return the recorded trial as it would be trained now, checked as if it were typed.

    The record comes from a file. What its targets may name, this process's ``--allow`` decides.
    """
    stored = recorded.trial
    if faults := record_faults(stored):
        raise ConfigError(faults)
    devices, path = _read_overrides(overrides)
    defaults = compose(devices).resolved()
    config: dict[str, Any] = {**defaults, **stored["config"]}
    for dotted, neutral in NEUTRAL.items():
        _fill_in(config, dotted.split("."), neutral)
    for group in ("devices", "probes"):  # a record of an older version may lack options
        config[group] = {**defaults[group], **(config[group] or {})}
    if devices:
        config["devices"] = defaults["devices"]
    config["launcher"] = {**defaults["launcher"], **_threads(recorded)}
    config["tracking"] = defaults["tracking"]
    if path is not None:
        config["dataset"] = {**config["dataset"], "path": path}
    return resolve_config(config, dict(stored["choices"]))


def _read_overrides(overrides: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the overrides of ``devices``, and the path to the data.

    Raises:
        ConfigError: an override would change the trial.
    """
    parsed, faults = parse(overrides)
    devices, path = [], None
    for override, text in zip(parsed, overrides, strict=False):
        key = override.key_or_group
        if key == _PATH:
            path = str(override.value())
        elif key.partition(".")[0] == "devices":
            devices.append(text)
        else:
            faults.append(f"override must set devices or {_PATH}, which change no trial, got {key}")
    if faults:
        raise ConfigError(faults)
    return devices, path


def _fill_in(config: dict[str, Any], path: Sequence[str], neutral: Any) -> None:
    """Set an option that a record of an older version lacks to its neutral value."""
    node: Any = config
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node.setdefault(path[-1], deepcopy(neutral))


def _threads(recorded: Run) -> dict[str, int]:
    """Return the number of CPU threads, which changes the last digits, as it was recorded."""
    threads = recorded.environment.get("threads")
    return {"threads": threads} if isinstance(threads, int) and threads >= 1 else {}


def _changes(stored: Mapping[str, Any], trial: Trial) -> list[str]:
    """Return how data and source code differ from what the record names."""
    remedy = "restore it, or `--anyway` trains what is here"
    faults = []
    if trial.data_hash != stored["data_hash"]:
        faults.append(
            f"data must be as recorded, SHA-256 {stored['data_hash']}, got {trial.data_hash}; "
            f"{remedy}"
        )
    before, now = stored["sources"], trial.sources
    faults += [
        f"source of {format_name(name)} must be as recorded, SHA-256 "
        f"{before.get(name, 'none')}, got {now.get(name, 'none')}; {remedy}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if not faults and trial.key != stored["key"]:
        faults.append(
            "number of processes must be as recorded, since a component draws random numbers in "
            f"each, got key {trial.key}; set devices, or `--anyway` trains with this number"
        )
    return faults


def _open(scratch: Lab, trial: Trial) -> Run:
    """Return the run to train: an interrupted one if the environment is the same, else a new one.

    Raises:
        InputError: another process is training it.
    """
    runs = scratch.runs(trial.key)
    environment = runs[-1].environment if runs else {}
    now = describe_environment()
    now.pop("threads")  # of this process, not of the training
    run = open_run(
        scratch, trial.as_dict(), fresh=any(environment.get(k) != v for k, v in now.items())
    )
    if run.is_locked():
        raise InputError(f"trial must be idle, got {trial.key}, which is being reproduced now")
    return run
