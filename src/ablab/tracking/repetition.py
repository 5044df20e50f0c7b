"""Comparison of two runs of one trial: results, and what could explain a difference."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ablab.tracking.records import BEST, Record, record_of
from ablab.tracking.run import Run

_CONFUSION = "confusion_matrix.csv"
_EPOCH_NUMBERS = ("best/epoch",)  # names of metrics that count, where a distance means nothing
_NOT_COMPARED = ("host", "slots")  # neither changes a result


@dataclass(frozen=True)
class Difference:
    """A metric with two values.

    Attributes:
        name: of the metric.
        epoch: number from 1, None for a final metric.
        old: recorded value.
        new: value of the repetition.
    """

    name: str
    epoch: int | None
    old: float
    new: float

    @property
    def distance(self) -> float:
        """``|new - old| / max(1, |old|)``: absolute for accuracies, relative for large values."""
        if self.name in _EPOCH_NUMBERS:
            return 0.0
        distance = abs(self.new - self.old) / max(1.0, abs(self.old))
        return math.inf if math.isnan(distance) else distance

    def __str__(self) -> str:
        where = "" if self.epoch is None else f" of epoch {self.epoch}"
        return f"{self.name}{where} {self.old:.6g} -> {self.new:.6g}"


@dataclass(frozen=True)
class Repetition:
    """Two runs of one trial, compared.

    Attributes:
        outcomes: recorded and repeated, ``finished`` or ``diverged``.
        num_epochs: recorded and repeated.
        num_final: number of final metrics that both have.
        differences: metrics that are not equal to the bit, in the order of training.
        missing: names of metrics that only one of them has.
        num_images: number of test images, 0 if their predictions are not recorded.
        num_changed: of them, classified correctly by one run alone.
        same_confusions: whether the confusion matrices are equal; None if not recorded.
        same_weights: whether the best weights are equal to the bit; None if not recorded.
        causes: old and new value of what differs besides the results, by name.
    """

    outcomes: tuple[str, str]
    num_epochs: tuple[int, int]
    num_final: int
    differences: tuple[Difference, ...]
    missing: tuple[str, ...]
    num_images: int
    num_changed: int
    same_confusions: bool | None
    same_weights: bool | None
    causes: Mapping[str, tuple[Any, Any]]

    @property
    def is_equal(self) -> bool:
        """Whether everything that both runs recorded is equal to the bit."""
        others = (self.same_confusions, self.same_weights)
        return (
            self.is_comparable
            and not self.differences
            and not self.num_changed
            and all(each is not False for each in others)
        )

    @property
    def is_comparable(self) -> bool:
        """Whether outcome and number of epochs are equal, and there is a metric to compare."""
        return (
            self.outcomes[0] == self.outcomes[1]
            and self.num_epochs[0] == self.num_epochs[1]
            and self.num_epochs[0] + self.num_final > 0
        )

    def is_within(self, tolerance: float) -> bool:
        """Return whether no metric differs by more than the tolerance, nor more images do.

        Args:
            tolerance: of `Difference.distance`, and of the share of test images.
        """
        images = self.num_changed <= tolerance * self.num_images
        return (
            self.is_comparable
            and images
            and all(each.distance <= tolerance for each in self.differences)
        )

    @property
    def largest(self) -> Difference | None:
        """The metric that differs most, of ties the first."""
        return max(self.differences, key=lambda each: each.distance, default=None)


def compare_runs(old: Run, new: Run) -> Repetition:
    """Compare a repetition with the recorded run; both have a completion record."""
    a, b = record_of(old), record_of(new)
    final, missing = _differences(a.metrics, b.metrics, None)
    differences: list[Difference] = []
    for mine, theirs in zip(a.epochs, b.epochs, strict=False):
        found, unmatched = _differences(mine.metrics, theirs.metrics, (mine.epoch or 0) + 1)
        differences += found
        missing |= unmatched
    num_images, num_changed = _images(a, b)
    return Repetition(
        outcomes=(a.outcome, b.outcome),
        num_epochs=(len(a.epochs), len(b.epochs)),
        num_final=len(a.metrics.keys() & b.metrics.keys()),
        differences=(*differences, *final),
        missing=tuple(sorted(missing)),
        num_images=num_images,
        num_changed=num_changed,
        same_confusions=_same_artifact(old, new, _CONFUSION),
        same_weights=_same_artifact(old, new, BEST),
        causes=dict(_causes(a, b)),
    )


def _differences(
    old: Mapping[str, float], new: Mapping[str, float], epoch: int | None
) -> tuple[list[Difference], set[str]]:
    """Return the common metrics that are not equal to the bit, and the names of the others."""
    found = [
        Difference(name, epoch, value, new[name])
        for name, value in old.items()
        if name in new and value != new[name] and not (math.isnan(value) and math.isnan(new[name]))
    ]
    return found, set(old.keys() ^ new.keys())


def _images(a: Record, b: Record) -> tuple[int, int]:
    """Return the number of test images, and how many one run alone classified correctly."""
    mine, theirs = a.correct(), b.correct()
    if mine is None or theirs is None or len(mine) != len(theirs):
        return 0, 0
    return len(mine), int((mine != theirs).sum())


def _same_artifact(old: Run, new: Run, name: str) -> bool | None:
    """Return whether an artifact is equal, by the checksums in the completion records."""
    completions = old.completion, new.completion
    sums = [c.artifacts.get(name, {}).get("sha256") if c else None for c in completions]
    return None if None in sums else sums[0] == sums[1]


def _causes(a: Record, b: Record) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield what differs between two runs: versions, hardware, threads, data, source code."""
    trials = [{"data": r.trial.get("data_hash"), **(r.trial.get("sources") or {})} for r in (a, b)]
    pairs = ((dict(_flat(a.environment)), dict(_flat(b.environment))), (trials[0], trials[1]))
    for old, new in pairs:
        for name in dict.fromkeys((*old, *new)):
            if name not in _NOT_COMPARED and old.get(name) != new.get(name):
                yield name, (old.get(name), new.get(name))


def _flat(values: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{start}{name}.")
        else:
            yield f"{start}{name}", value
