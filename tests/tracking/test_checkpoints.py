"""Pruning: checkpoints of finished runs go, everything else stays."""

from collections.abc import Callable
from pathlib import Path

from recorded import begin

from ablab.tracking.checkpoints import prune
from ablab.tracking.lab import Lab
from ablab.tracking.run import CHECKPOINT, Run

Make = Callable[..., Run]
CONTENT = b"weights and optimizer"


def with_checkpoint(run: Run) -> Run:
    (run.folder / CHECKPOINT).write_bytes(CONTENT)
    return run


def files(lab: Lab) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in lab.root.rglob("*") if path.is_file()}


def test_only_the_checkpoint_of_a_finished_run_is_deleted(lab: Lab, make_finished: Make) -> None:
    finished = with_checkpoint(make_finished("a1b2"))
    with_checkpoint(begin(lab, epochs=1, key="c3d4"))
    before = files(lab)
    pruned = prune(lab)
    assert (pruned.checkpoints, pruned.bytes) == (1, len(CONTENT))
    del before[finished.folder / CHECKPOINT]
    assert files(lab) == before
    assert finished.status() == "finished"


def test_a_dry_run_deletes_nothing(lab: Lab, make_finished: Make) -> None:
    with_checkpoint(make_finished())
    before = files(lab)
    assert prune(lab, dry_run=True).checkpoints == 1
    assert files(lab) == before


def test_pruning_again_finds_nothing(lab: Lab, make_finished: Make) -> None:
    with_checkpoint(make_finished())
    prune(lab)
    assert (prune(lab).checkpoints, prune(lab).bytes) == (0, 0)


def test_a_damaged_run_keeps_its_checkpoint(lab: Lab, make_finished: Make) -> None:
    """A flipped byte in the weights, which only a comparison of every byte finds."""
    run = with_checkpoint(make_finished())
    weights = run.folder / "last.safetensors"
    weights.write_bytes(b"wghtz")
    assert run.completion is not None
    assert prune(lab).checkpoints == 0
    assert (run.folder / CHECKPOINT).read_bytes() == CONTENT


def test_the_checkpoint_of_a_discarded_finished_run_is_deleted(
    lab: Lab, make_finished: Make
) -> None:
    run = with_checkpoint(make_finished())
    run.discard("its run was deleted in MLflow")
    assert prune(lab).checkpoints == 1


def test_a_link_is_not_followed(lab: Lab, make_finished: Make, tmp_path: Path) -> None:
    outside = tmp_path / "mine.ckpt"
    outside.write_bytes(CONTENT)
    (make_finished().folder / CHECKPOINT).symlink_to(outside)
    assert prune(lab).checkpoints == 0
    assert outside.read_bytes() == CONTENT


def test_without_a_lab_there_is_nothing_to_prune(tmp_path: Path) -> None:
    assert prune(Lab(tmp_path / "none")).checkpoints == 0
