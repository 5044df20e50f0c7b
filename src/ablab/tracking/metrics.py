"""The metrics that a sweep can compare: one number per trial, recorded or derived from its record.

`ablab.report.analysis.values` reads their values.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple


class Metric(NamedTuple):
    """A metric of every finished trial, or of those configured to measure it.

    Attributes:
        unit: of its values.
        goal: ``max`` or ``min``, whichever is usually better.
        meaning: what it is computed from.
        needs: the setting without which a trial lacks it (``probes.gradient_norm``,
            ``sweep.target``, ``data.test_noise``), or empty.
    """

    unit: str
    goal: str
    meaning: str
    needs: str = ""


_SHARE, _LOSS, _ERROR = "share, 0 to 1", "that of the loss", "0 to 1"
_GAP, _RATIO, _SECONDS = "share, difference", "ratio", "seconds"
_CHOSEN = "at the epoch that validation chose"
_MEAN = f"mean over the layers, {_CHOSEN}"


def _of_probe(unit: str, goal: str, meaning: str, switch: str) -> Metric:
    return Metric(unit, goal, meaning, f"probes.{switch}")


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
    "val/accuracy_last": Metric(_SHARE, "max", "validation images, after the last epoch"),
    "val/loss": Metric(_LOSS, "min", f"validation images, {_CHOSEN}"),
    "val/loss_last": Metric(_LOSS, "min", "validation images, after the last epoch"),
    "val/loss_rise": Metric(
        _LOSS, "min", "validation loss after the last epoch minus its lowest: overfitting"
    ),
    "train/accuracy": Metric(
        _SHARE, "max", f"training images, {_CHOSEN}, as trained: with dropout and augmentation"
    ),
    "train/accuracy_last": Metric(_SHARE, "max", "likewise, in the last epoch"),
    "train/loss": Metric(_LOSS, "min", f"training images, {_CHOSEN}, as trained"),
    "train/loss_last": Metric(_LOSS, "min", "likewise, in the last epoch"),
    "gap/accuracy": Metric(
        _GAP,
        "min",
        f"train/accuracy minus test/accuracy, {_CHOSEN}; dropout and augmentation lower it because "
        "they lower train/accuracy",
    ),
    "gap/loss": Metric(_LOSS, "min", f"test/loss minus train/loss, {_CHOSEN}"),
    "gap/selection": Metric(
        _GAP, "min", f"val/accuracy minus test/accuracy, {_CHOSEN}: optimism of the selection"
    ),
    "test/accuracy_noise_0.1": Metric(
        _SHARE,
        "max",
        "test images with noise, for each level that data.test_noise lists; so for shift, "
        "brightness and contrast; also with _last, and as a loss",
        "data.test_noise",
    ),
    "speed/epochs": Metric(
        "epochs",
        "min",
        "epochs to the validation accuracy sweep.target; a trial that does not reach it counts "
        "with the shortest training of its block",
        "sweep.target",
    ),
    "speed/seconds": Metric(
        _SECONDS, "min", "likewise, seconds of training without evaluation", "sweep.target"
    ),
    "best/epoch": Metric("epochs", "min", "the epoch that validation chose, from 0"),
    "rank/loss_accuracy": Metric(
        "rank correlation, -1 to 1",
        "max",
        "Spearman's correlation of val/loss and val/accuracy over the epochs of a trial",
    ),
    "parameters": Metric("count", "min", "weights and biases of the network"),
    "flops": Metric("count", "min", "FLOPs per image, forward"),
    "throughput/images_per_second": Metric("images/s", "max", "median over the epochs of training"),
    "time/epoch_seconds": Metric(_SECONDS, "min", "median over the epochs, without evaluation"),
    "time/total_seconds": Metric(_SECONDS, "min", "training, validation and test"),
    "memory/peak_bytes": Metric("bytes", "min", "largest memory of the process or GPU"),
    "probe/gradient_norm": _of_probe("norm", "max", f"of the gradient; {_MEAN}", "gradient_norm"),
    "probe/gradient_norm_initial": _of_probe(
        "norm",
        "max",
        "likewise, mean over the layers before the first step",
        "gradient_norm",
    ),
    "probe/gradient_norm_first_to_last": _of_probe(
        _RATIO, "max", f"gradient norm of the first layer to the last, {_CHOSEN}", "gradient_norm"
    ),
    "probe/gradient_change": _of_probe(
        _RATIO, "min", f"of a layer's gradient by earlier layers' step; {_MEAN}", "gradient_change"
    ),
    "probe/gradient_cosine": _of_probe(
        "cosine", "max", f"of both gradients; {_MEAN}", "gradient_change"
    ),
    "probe/activation_mean": _of_probe(
        "that of outputs", "min", f"of activations; {_MEAN}", "activations"
    ),
    "probe/activation_variance": _of_probe(
        "its square", "max", f"of activations; {_MEAN}", "activations"
    ),
    "probe/sparsity": _of_probe(
        _SHARE, "max", f"outputs of activations that are zero; {_MEAN}", "activations"
    ),
    "probe/saturated": _of_probe(
        _SHARE, "min", f"activations with a derivative below 0.05; {_MEAN}", "activations"
    ),
    "probe/dead": _of_probe(
        _SHARE, "min", f"units without a derivative on any image; {_MEAN}", "activations"
    ),
    "probe/input_drift": _of_probe(
        "standard deviations", "min", f"of layer inputs from epoch to epoch; {_MEAN}", "input_drift"
    ),
    "probe/update_ratio": _of_probe(
        _RATIO, "max", f"last step to weights; {_MEAN}", "update_ratio"
    ),
    "probe/weight_norm": _of_probe("norm", "min", f"of the weights; {_MEAN}", "weight_norm"),
    "probe/receptive_field": _of_probe(
        "pixels", "max", f"effective, side of the last layer's, {_CHOSEN}", "receptive_field"
    ),
    "probe/generalization_gap_accuracy": _of_probe(
        _GAP, "min", f"train/accuracy minus val/accuracy, {_CHOSEN}", "generalization_gap"
    ),
    "probe/generalization_gap_loss": _of_probe(
        _LOSS, "min", f"val/loss minus train/loss, {_CHOSEN}", "generalization_gap"
    ),
}
EXACT = ("parameters", "flops")  # no chance is involved: these are compared, not tested
TIMED = (
    "speed/seconds",
    "throughput/images_per_second",
    "time/epoch_seconds",
    "time/total_seconds",
    "memory/peak_bytes",
)  # compared among trials that ran under the same conditions
_PERTURBED = re.compile(
    r"test/(accuracy|loss)_(shift|noise|brightness|contrast)_(-?[\d.]+(?:e[+-]?\d+)?)(_last)?"
)


def find_metric(name: object) -> Metric | None:
    """Return the metric of a name, or None; each level of a perturbation is a metric.

    Example:
        >>> find_metric("test/loss_shift_2").needs, find_metric("test/acuracy")
        ('data.test_shift', None)
    """
    if not isinstance(name, str):
        return None
    if match := _PERTURBED.fullmatch(name):
        unit, goal = (_SHARE, "max") if match[1] == "accuracy" else (_LOSS, "min")
        return Metric(unit, goal, "perturbed test images", f"data.test_{match[2]}")
    return METRICS.get(name)


def strength(name: str) -> float | None:
    """Return the strength of the perturbation in a metric's name, None without one.

    Example:
        >>> strength("test/accuracy_noise_0.1_last")
        0.1
    """
    match = _PERTURBED.fullmatch(name)
    return float(match[3]) if match else None
