"""What a sweep can compare: the final figures of a trial."""

from collections.abc import Mapping
from typing import NamedTuple


class Metric(NamedTuple):
    """A figure that every finished trial has, or each that asks for it.

    Attributes:
        unit: of its values.
        goal: what is better, ``max`` or ``min``.
        meaning: of which images and weights.
    """

    unit: str
    goal: str
    meaning: str


_SHARE, _LOSS = "share, 0 to 1", "the loss's own"
_CHOSEN = "at the epoch that validation chose"
METRICS: Mapping[str, Metric] = {
    "test/accuracy": Metric(_SHARE, "max", f"test images, {_CHOSEN}; what sweeps compare"),
    "test/accuracy_last": Metric(_SHARE, "max", "test images, after the last epoch"),
    "test/loss": Metric(_LOSS, "min", f"test images, {_CHOSEN}"),
    "test/loss_last": Metric(_LOSS, "min", "test images, after the last epoch"),
    "val/accuracy": Metric(_SHARE, "max", f"validation images, {_CHOSEN}, for its accuracy"),
    "val/loss": Metric(_LOSS, "min", f"validation images, {_CHOSEN}"),
    "train/accuracy": Metric(_SHARE, "max", f"training images, {_CHOSEN}"),
    "train/loss": Metric(_LOSS, "min", f"training images, {_CHOSEN}"),
    "test/accuracy_noise_0.1": Metric(
        _SHARE,
        "max",
        "test images disturbed as data.test_noise=[0.1] asks, and so for each that data asks for; "
        "with _last and as a loss too",
    ),
}
