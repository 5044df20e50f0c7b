"""The metrics that a sweep can compare: the final results of a trial."""

from collections.abc import Mapping
from typing import NamedTuple

from ablab.tracking.run import Run


class Metric(NamedTuple):
    """A metric of every finished trial, or of those configured to compute it.

    Attributes:
        unit: of its values.
        goal: ``max`` or ``min``, whichever is better.
        meaning: the images and the weights that it is computed from.
    """

    unit: str
    goal: str
    meaning: str


_SHARE, _LOSS, _ERROR = "share, 0 to 1", "that of the loss", "0 to 1"
_CHOSEN = "at the epoch that validation chose"
METRICS: Mapping[str, Metric] = {
    "test/accuracy": Metric(_SHARE, "max", f"test images, {_CHOSEN}; the default of sweeps"),
    "test/accuracy_last": Metric(_SHARE, "max", "test images, after the last epoch"),
    "test/loss": Metric(_LOSS, "min", f"test images, {_CHOSEN}"),
    "test/loss_last": Metric(_LOSS, "min", "test images, after the last epoch"),
    "test/ece": Metric(_ERROR, "min", f"expected calibration error on the test images, {_CHOSEN}"),
    "test/ece_last": Metric(
        _ERROR, "min", "expected calibration error on the test images, after the last epoch"
    ),
    "val/accuracy": Metric(_SHARE, "max", f"validation images, {_CHOSEN}, which has the highest"),
    "val/loss": Metric(_LOSS, "min", f"validation images, {_CHOSEN}"),
    "train/accuracy": Metric(_SHARE, "max", f"training images, {_CHOSEN}"),
    "train/loss": Metric(_LOSS, "min", f"training images, {_CHOSEN}"),
    "test/accuracy_noise_0.1": Metric(
        _SHARE,
        "max",
        "test images with noise, for each level that data.test_noise lists; also with _last, and "
        "as a loss",
    ),
}
_ADDED = ("test/ece", "test/ece_last")  # runs of earlier versions lack them


def has_metric(run: Run, metric: str) -> bool:
    """Return whether a finished run has a metric; any other lack than of age does not count."""
    completion = run.completion if metric in _ADDED else None
    if completion is None or completion.outcome != "finished":
        return True
    return metric in completion.metrics
