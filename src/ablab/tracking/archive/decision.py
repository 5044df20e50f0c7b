"""What an import does with each trial of an archive: a finished trial of the lab is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablab.errors import InputError
from ablab.tracking.archive.export import trial_keys
from ablab.tracking.archive.manifest import Manifest
from ablab.tracking.archive.staging import Staged
from ablab.tracking.completion import Completion, omitted_weights
from ablab.tracking.journal import same_metrics
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.sealed import checksum


@dataclass
class ImportResult:
    """What an import did with the trials of an archive, as lists of their keys.

    Attributes:
        sweep: name of the sweep in this lab.
        manifest: of the archive.
        added: are in the lab now.
        equal: were in the lab already, the same run.
        repeated: were in the lab already, another run with results equal to the bit.
        kept: the lab's own run counts: it has other results, or the archive's has not ended.
        completed: were in the lab without weights, which were added.
        absent: of the plan, but not in the archive.
        own_code: names of the classes and functions outside torch and ablab that trials use.
    """

    sweep: str
    manifest: Manifest
    added: list[str]
    equal: list[str]
    repeated: list[str]
    kept: list[str]
    completed: list[str]
    absent: list[str]
    own_code: list[str]


def decide(lab: Lab, staged: Staged, sweep: str, *, keep: bool) -> ImportResult:
    """Compare each run with the lab's.

    Raises:
        InputError: results contradict the lab's, and ``keep`` is not set.
    """
    result = ImportResult(sweep, staged.manifest, [], [], [], [], [], [], [])
    conflicts = []
    for key, run in staged.runs.items():
        own, theirs = lab.finished(key), run.completion
        if own is None:
            is_kept = theirs is None and lab.runs(key)
            (result.kept if is_kept else result.added).append(key)
            continue
        mine = own.completion
        if theirs is None or mine is None:
            result.kept.append(key)
        elif _identity(mine) == _identity(theirs):
            missing = omitted_weights(own.folder) - omitted_weights(run.folder)
            (result.completed if missing else result.equal).append(key)
        elif _has_same_results(own, mine, run, theirs):
            result.repeated.append(key)
        else:
            result.kept.append(key)
            conflicts.append(f"{key} ({_differences(mine, theirs)})")
    if conflicts and not keep:
        more = f" and {len(conflicts) - 3} more" if len(conflicts) > 3 else ""
        raise InputError(
            "trial must have the results that this lab has, got other ones for "
            f"{', '.join(conflicts[:3])}{more}: `--keep` keeps this lab's and imports the rest; "
            "with ABLAB_HOME=OTHER the archive is imported into a lab of its own, for "
            "`ablab compare`"
        )
    known = staged.runs.keys() | set(lab.keys())
    needed = trial_keys(staged.plan.trials, lambda _: None)
    result.absent = [key for key in needed if key not in known]
    result.own_code = sorted({n for t in staged.plan.trials.values() for n in _targets(t)})
    return result


def _targets(trial: Mapping[str, Any]) -> list[str]:
    """Return the targets of a trial that are the user's."""
    nodes = [node for node in trial["config"].values() if isinstance(node, dict)]
    names = [str(node["_target_"]) for node in nodes if "_target_" in node]
    return [name for name in names if name.partition(".")[0] not in ("torch", "ablab")]


def _identity(completion: Completion) -> str:
    """Return a checksum of a record, whatever the number of its run."""
    return checksum({**vars(completion), "run": ""})


def _has_same_results(own: Run, mine: Completion, run: Run, theirs: Completion) -> bool:
    epochs = [[e for e in each.entries() if e.kind == "epoch"] for each in (own, run)]
    return (
        mine.outcome == theirs.outcome
        and same_metrics(mine.metrics, theirs.metrics)
        and len(epochs[0]) == len(epochs[1])
        and all(same_metrics(a.metrics, b.metrics) for a, b in zip(*epochs, strict=True))
    )


def _differences(mine: Completion, theirs: Completion) -> str:
    """Return the first metric that differs."""
    if mine.outcome != theirs.outcome:
        return f"{mine.outcome} here, {theirs.outcome} there"
    names = ["test/accuracy", *sorted(mine.metrics.keys() | theirs.metrics.keys())]
    for name in names:
        a, b = mine.metrics.get(name), theirs.metrics.get(name)
        if a != b:
            return f"{name} {a} here, {b} there"
    return "other metrics of an epoch"
