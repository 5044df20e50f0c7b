"""Checkpoints, which a run needs until it is finished, and pruning of those left over.

A checkpoint holds weights and optimizer state, to resume training. A finished run is never
resumed: ``init_from``, reports and exports use its best weights, and ``--fresh`` starts a new run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ablab.tracking.completion import read_completion
from ablab.tracking.lab import Lab
from ablab.tracking.run import CHECKPOINT, Run


@dataclass(frozen=True)
class Pruned:
    """Stores what was pruned: the number of checkpoints, and their bytes."""

    checkpoints: int
    bytes: int


def prune(lab: Lab, *, dry_run: bool = False) -> Pruned:
    """Delete the checkpoints of finished runs; weights and records are never touched.

    Training deletes its own checkpoint; one is left over by a kill at that moment, and by
    earlier versions of ablab.

    Args:
        lab: with the runs.
        dry_run: only count.
    """
    runs = list(_left_over(lab))
    sizes = [(run.folder / CHECKPOINT).stat().st_size for run in runs]
    if not dry_run:
        for run in runs:
            delete_checkpoint(run)
    return Pruned(len(sizes), sum(sizes))


def delete_checkpoint(run: Run) -> None:
    """Delete the checkpoint of a finished run, if it has one."""
    (run.folder / CHECKPOINT).unlink(missing_ok=True)


def _left_over(lab: Lab) -> Iterator[Run]:
    """Yield the finished runs with a checkpoint, discarded ones too.

    Their weights are compared byte by byte, since a damaged run may be trained on.
    """
    for path in sorted((lab.root / "trials").glob(f"*/*/{CHECKPOINT}")):
        is_finished = read_completion(path.parent, thorough=True) is not None
        if path.is_file() and not path.is_symlink() and is_finished:
            yield Run(path.parent)
