"""Which run of a trial is trained."""

from collections.abc import Mapping
from typing import Any

from filelock import FileLock

from ablab.config.probe_switches import has_measured
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run


def open_run(lab: Lab, trial: Mapping[str, Any], *, fresh: bool = False) -> Run:
    """Return the run to train: the newest one if it is unfinished, else a new one.

    Commands that open the same trial at once agree on one run, which the one that gets its lock
    trains. A new one is also made where the newest was begun without a probe that is now asked for,
    and nobody trains it, or where its records are damaged.

    Args:
        lab: where the runs lie.
        trial: as it was frozen.
        fresh: make a new one in any case.
    """
    folder = lab.root / "trials" / trial["key"]
    folder.mkdir(parents=True, exist_ok=True)
    # Two that looked at once would otherwise both find none, and train the trial twice.
    with FileLock(folder / ".claim"):
        runs = [] if fresh else lab.runs(trial["key"])
        if runs and runs[-1].completion is None and runs[-1].can_resume():
            probes = trial["config"].get("probes") or {}
            if has_measured(runs[-1].trial, probes) or runs[-1].is_locked():
                return runs[-1]
        return lab.new_run(trial)
