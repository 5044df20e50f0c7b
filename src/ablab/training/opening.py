"""Choice of the run to train."""

from collections.abc import Mapping
from typing import Any

from filelock import FileLock

from ablab.config.probe_switches import has_measured
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run


def open_run(lab: Lab, trial: Mapping[str, Any], *, fresh: bool = False) -> Run:
    """Return the run to train: the newest one if it is unfinished, else a new one.

    Processes that open the same trial at the same time get the same run; the one that acquires its
    lock trains it. A new run is also created if the records of the newest are damaged, or if it
    lacks a requested probe and no process is training it.

    Args:
        lab: contains the runs.
        trial: the resolved trial, as in ``trial.json``.
        fresh: create a new run in any case.
    """
    folder = lab.root / "trials" / trial["key"]
    folder.mkdir(parents=True, exist_ok=True)
    # Without the lock, two processes could both create a run, and train the trial twice.
    with FileLock(folder / ".claim"):
        runs = [] if fresh else lab.runs(trial["key"])
        if runs and runs[-1].completion is None and runs[-1].can_resume():
            probes = trial["config"].get("probes") or {}
            if has_measured(runs[-1].trial, probes) or runs[-1].is_locked():
                return runs[-1]
        return lab.new_run(trial)
