"""Which take of a trial is trained."""

from collections.abc import Mapping
from typing import Any

from filelock import FileLock

from ablab.config.probe_switches import has_measured
from ablab.tracking.lab import Lab, Take


def open_take(lab: Lab, trial: Mapping[str, Any], *, fresh: bool = False) -> Take:
    """Return the take to train: the newest one if it is unfinished, else a new one.

    Commands that open the same trial at once agree on one take, which the one that gets its lock
    trains. A new one is also made where the newest was begun without a probe that is now asked for,
    and nobody trains it, or where its records are damaged.

    Args:
        lab: where the takes lie.
        trial: as it was frozen.
        fresh: make a new one in any case.
    """
    folder = lab.root / "trials" / trial["key"]
    folder.mkdir(parents=True, exist_ok=True)
    # Two that looked at once would otherwise both find none, and train the trial twice.
    with FileLock(folder / ".claim"):
        takes = [] if fresh else lab.takes(trial["key"])
        if takes and takes[-1].completion is None and takes[-1].can_go_on():
            probes = trial["config"].get("probes") or {}
            if has_measured(takes[-1].trial, probes) or takes[-1].is_locked():
                return takes[-1]
        return lab.new_take(trial)
