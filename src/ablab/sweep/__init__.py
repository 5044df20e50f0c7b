"""From a question to its trained trials.

The modules, in the order in which a sweep uses them:

    spec        reads and checks the `sweep:` node of a YAML (with rules, settings, seeds)
    planning    composes and checks every variant × block × seed (with combine)
    write_plan  adds the new cells to the plan on disk
    looks       adds the seeds of the next look, if the answer needs them
    forecast    estimates the time and disk space of the trials that are left
    engine      connects these steps for one command
    multirun    the same for several values without a question (with multirun_jobs)
    trials      skips what is finished, trains the rest and prints the end, for both
    schedule    runs jobs (job) in the slots of a launcher until none is open
                (attempt, reservations), within limits (limits, failures)
    fusion      says which jobs train together in one process
    checking    checks and measures configurations in a fork of the process that forks the trials
    launch/     starts one process per trial: on this machine (fork, spawn, subprocess, on GPUs that
                it has locked), in a job of SLURM, or as a task of Ray
    sharing     leases trials, where several labs share an MLflow store
    deliveries  logs the runs to MLflow in the background
    console/    live table, log lines, status and summary

The package itself can be called and is then `ablab.api.sweeping.sweep`. `ablab.sweep` is this
package as soon as any of its modules is imported, so a function of the same name in `ablab` would
be hidden. Python supports a module class of one's own for this case. Type checkers read the
function from `ablab/__init__.pyi` instead.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that runs a sweep when it is called."""

    def __call__(
        self,
        name: str,
        *overrides: str,
        offline: bool = False,
        rerun_changed: bool = False,
        only: str | Sequence[str] = (),
        shard: str | None = None,
        max_trials: int | None = None,
        retry_failed: bool = False,
        allow: str | Sequence[str] = (),
        quiet: bool = False,
        **choices: Any,
    ) -> Any:
        function = import_module("ablab.api.sweeping").sweep  # late: it imports torch
        return function(
            name,
            *overrides,
            offline=offline,
            rerun_changed=rerun_changed,
            only=only,
            shard=shard,
            max_trials=max_trials,
            retry_failed=retry_failed,
            allow=allow,
            quiet=quiet,
            **choices,
        )


sys.modules[__name__].__class__ = _Callable
