"""The metrics that a sweep can compare: the final results of a trial."""

from collections.abc import Mapping
from typing import NamedTuple


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


_SHARE, _LOSS = "share, 0 to 1", "that of the loss"
_CHOSEN = "at the epoch that validation chose"
METRICS: Mapping[str, Metric] = {
    "test/accuracy": Metric(_SHARE, "max", f"test images, {_CHOSEN}; the default of sweeps"),
    "test/accuracy_last": Metric(_SHARE, "max", "test images, after the last epoch"),
    "test/loss": Metric(_LOSS, "min", f"test images, {_CHOSEN}"),
    "test/loss_last": Metric(_LOSS, "min", "test images, after the last epoch"),
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
