"""The test of a network: on each perturbation of the test images, then on the original images."""

from collections.abc import Callable

from ablab.data.trial_data import TrialData
from ablab.lightning import pl
from ablab.model.classifier import Classifier
from ablab.training.picture_data import TestResults, gather_test
from ablab.training.recorder import to_short_float


def run_tests(
    module: Classifier, data: TrialData, make_trainer: Callable[[], pl.Trainer]
) -> tuple[dict[str, float], TestResults]:
    """Return the metrics of the test images and the outputs for the original images.

    The metrics of perturbed images are named ``test/accuracy_noise_0.1``.

    Args:
        module: with the weights to test.
        data: the data; its ``perturbation`` is set for each test.
        make_trainer: returns a Trainer for one test.
    """
    metrics: dict[str, float] = {}
    for perturbation in (*data.perturbations, None):
        data.perturbation = perturbation
        suffix = f"_{perturbation.name}" if perturbation else ""
        results = make_trainer().test(module, datamodule=data, verbose=False)
        metrics |= {f"{name}{suffix}": to_short_float(v) for name, v in results[0].items()}
    outputs = gather_test(module, data)
    metrics["test/ece"] = to_short_float(outputs.calibration.error)
    return metrics, outputs
