"""Two runs of a trial are compared value by value."""

import math
from pathlib import Path

import numpy as np
import pytest
from recorded import BEGUN, FILES, begin, epoch, finish, trial

from ablab.tracking.completion import Completion, describe, write_completion
from ablab.tracking.files import write_json
from ablab.tracking.journal import Journal
from ablab.tracking.lab import Lab
from ablab.tracking.repetition import Difference, compare_runs
from ablab.tracking.run import Run


def _finished(
    lab: Lab,
    losses: list[float],
    accuracy: float,
    correct: list[bool],
    *,
    outcome: str = "finished",
    weights: bytes = b"w",
    sources: dict[str, str] | None = None,
    **environment: object,
) -> Run:
    run = lab.new_run(trial() | {"sources": sources or {}})
    write_json(run.folder / "environment.json", {"host": "h", "torch": "2.13.0", **environment})
    journal = Journal(run.journal)
    for number, loss in enumerate(losses):
        journal.append(epoch(number, **{"val/loss": loss}))
    np.save(run.folder / "test_correct.npy", np.packbits(correct))
    (run.folder / "best.safetensors").write_bytes(weights)
    completion = Completion(
        key=run.key,
        run=run.number,
        outcome=outcome,
        time=BEGUN,
        metrics={"test/accuracy": accuracy, "best/epoch": float(len(losses))},
        measured={},
        metadata={"test_images": len(correct)},
        artifacts=describe(run.folder, (*FILES, "best.safetensors")),
    )
    write_completion(run.folder, completion)
    return run


RIGHT = [True, False, True, True]


def test_equal_runs_are_equal_to_the_bit(lab: Lab) -> None:
    runs = [_finished(lab, [1.0, math.nan], 0.75, RIGHT) for _ in range(2)]
    result = compare_runs(*runs)
    assert result.is_equal
    assert result.is_within(0)
    assert (result.num_epochs, result.num_final, result.num_images) == ((2, 2), 2, 4)
    assert not result.causes


def test_the_last_bit_of_one_epoch_is_a_difference(lab: Lab) -> None:
    old = _finished(lab, [1.0, 2.0], 0.75, RIGHT)
    new = _finished(lab, [1.0, math.nextafter(2.0, 3.0)], 0.75, RIGHT)
    result = compare_runs(old, new)
    assert not result.is_equal
    assert [(d.name, d.epoch) for d in result.differences] == [("val/loss", 2)]
    assert result.is_within(1e-9)
    assert not result.is_within(0)


@pytest.mark.parametrize(
    ("old", "new", "distance"),
    [
        (0.5, 0.51, 0.01),  # an accuracy: one point
        (200.0, 202.0, 0.01),  # a large value: one percent
        (0.0, 0.0, 0.0),
        (math.nan, 1.0, math.inf),
        (1.0, math.inf, math.inf),
    ],
)
def test_distance_is_absolute_below_one_and_relative_above(
    old: float, new: float, distance: float
) -> None:
    assert Difference("x", 1, old, new).distance == pytest.approx(distance)


def test_the_number_of_an_epoch_has_no_distance(lab: Lab) -> None:
    assert Difference("best/epoch", None, 3.0, 9.0).distance == 0


def test_predictions_count_even_where_their_number_right_is_equal(lab: Lab) -> None:
    old = _finished(lab, [1.0], 0.75, RIGHT)
    new = _finished(lab, [1.0], 0.75, RIGHT[::-1])
    result = compare_runs(old, new)
    assert not result.differences
    assert result.num_changed == 2
    assert not result.is_equal
    assert not result.is_within(0.49)
    assert result.is_within(0.5)


def test_weights_alone_can_differ(lab: Lab) -> None:
    old = _finished(lab, [1.0], 0.75, RIGHT)
    new = _finished(lab, [1.0], 0.75, RIGHT, weights=b"x")
    result = compare_runs(old, new)
    assert result.same_weights is False
    assert not result.is_equal
    assert result.is_within(0)


@pytest.mark.parametrize(
    ("losses", "outcome"), [([1.0], "diverged"), ([1.0, 1.0], "finished"), ([], "finished")]
)
def test_another_outcome_or_number_of_epochs_is_beyond_any_tolerance(
    lab: Lab, losses: list[float], outcome: str
) -> None:
    old = _finished(lab, [1.0], 0.75, RIGHT)
    new = _finished(lab, losses, 0.75, RIGHT, outcome=outcome)
    result = compare_runs(old, new)
    assert not result.is_equal
    assert not result.is_within(math.inf)


def test_causes_name_versions_hardware_threads_data_and_code(lab: Lab) -> None:
    old = _finished(lab, [1.0], 0.75, RIGHT, threads=1, sources={"mine.Mine": "aa"})
    new = _finished(
        lab, [1.0], 0.75, RIGHT, threads=2, devices={"accelerator": "cpu"}, slots=3, host="x",
        torch="2.14.0", sources={"mine.Mine": "bb", "helper.py": "cc"},
    )  # fmt: skip
    assert compare_runs(old, new).causes == {
        "torch": ("2.13.0", "2.14.0"),
        "threads": (1, 2),
        "devices.accelerator": (None, "cpu"),
        "mine.Mine": ("aa", "bb"),
        "helper.py": (None, "cc"),
    }


def test_a_metric_of_one_run_alone_is_named_and_not_compared(lab: Lab) -> None:
    old = _finished(lab, [1.0], 0.75, RIGHT)
    new = _finished(lab, [1.0], 0.75, RIGHT)
    assert new.completion is not None
    more = {**new.completion.metrics, "test/new": 1.0}
    write_completion(new.folder, Completion(**{**vars(new.completion), "metrics": more}))
    result = compare_runs(old, new)
    assert result.missing == ("test/new",)
    assert result.is_equal


def test_runs_without_predictions_are_compared_by_their_metrics(lab: Lab, tmp_path: Path) -> None:
    for run in (old := begin(lab, epochs=2), new := begin(lab, epochs=2)):
        finish(run)
        (run.folder / "test_correct.npy").unlink()
        completion = run.completion or _completion_without(run)
        assert completion is not None
    assert compare_runs(old, new).num_images == 0


def _completion_without(run: Run) -> Completion:
    import json

    from ablab.tracking.sealed import write_sealed

    path = run.folder / "completion.json"
    content = json.loads(path.read_text())
    content.pop("sha256")
    del content["artifacts"]["test_correct.npy"]
    write_sealed(path, content)
    completion = run.completion
    assert completion is not None
    return completion
