"""Multirun: trains every combination of several values, without a question or a plan."""

import shlex
from collections.abc import Sequence

from rich.console import Console

from ablab import terminal
from ablab.sweep.checking import checking
from ablab.sweep.console.summary import print_line, results_table
from ablab.sweep.deliveries import Deliveries
from ablab.sweep.launch.choice import make_launcher
from ablab.sweep.multirun_jobs import plan_multirun
from ablab.sweep.planning import RUNTIME
from ablab.sweep.trials import Trials
from ablab.tracking.lab import Lab

_METRIC = "test/accuracy"


def run_multirun(
    overrides: Sequence[str], *, offline: bool = False, console: Console | None = None
) -> int:
    """Train every combination of the overrides' values, except trials that are finished.

    Each is an ordinary trial, outside any sweep.

    Args:
        overrides: in Hydra's multirun notation, ``activation=relu,tanh``, ``seed=range(1,4)``.
        offline: do not write to MLflow; ``ablab sync`` delivers later.
        console: receives the output.

    Returns:
        The exit code: 0; 1 if a trial failed; 129, 130 or 143 after an interrupt.

    Raises:
        ConfigError: all faults at once, before anything is written.
        ResourceError: the machine lacks something, such as disk space; open trials wait.
        DataError: a data set is missing or damaged.
    """
    console = console or terminal.make_console()
    with checking(will_train=True):
        jobs = plan_multirun(overrides, lambda text: print_line(console, text, "dim"))
        runtime = {group: jobs[0].trial["config"][group] for group in RUNTIME}
        launcher, lab = make_launcher(runtime), Lab.open()
        trials = Trials(
            name="multirun",
            metric=_METRIC,
            next_command="ablab ui",
            lab=lab,
            jobs=jobs,
            runtime=runtime,
            launcher=launcher,
            console=console,
        )
        if runtime["tracking"]["deliver"] and not offline:
            trials.deliveries = Deliveries(lab, [job.cell.key for job in jobs])
        cost = trials.begin(f"multirun: {shlex.join(overrides)}")
    code = trials.run(cost)
    console.print(results_table(jobs, _METRIC))
    return code
