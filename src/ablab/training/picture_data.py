"""Stores what the pictures of a run are drawn from, since they are drawn without torch.

The files are small whatever the data and the network: at most 25 images of 64 x 64 pixels, and 64
filters.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ablab.data.trial_data import TrialData
from ablab.model.classifier import Classifier
from ablab.model.distributed import gather
from ablab.stats.calibration import Calibration, calibration
from ablab.tracking.csv_text import to_csv
from ablab.tracking.files import write_atomic
from ablab.tracking.picture_data import (
    CALIBRATION,
    CALIBRATION_COLUMNS,
    FILTERS,
    LONGEST_SIDE,
    MISTAKES,
    MOST_FILTERS,
    MOST_MISTAKES,
)


@dataclass(frozen=True)
class TestResults:
    """Stores the outputs of a test, of all processes.

    Attributes:
        predicted, target: (test_images,), class indices.
        confidence: (test_images,), softmax probability of the predicted class.
        mistakes: the arrays of ``mistakes.npz`` (see `ablab.tracking.picture_data`).
    """

    __test__ = False  # the name does not make it a test of pytest

    predicted: NDArray[np.int64]
    target: NDArray[np.int64]
    confidence: NDArray[np.float32]
    mistakes: Mapping[str, NDArray[Any]]

    @property
    def calibration(self) -> Calibration:
        """Accuracy by confidence."""
        return calibration(self.confidence, self.predicted == self.target)


def gather_test(module: Classifier, data: TrialData) -> TestResults:
    """Return the outputs of the last test; every process calls it."""
    mistakes = module.mistakes
    shape = data.in_channels, data.image_size, data.image_size
    images = torch.empty(0, *shape) if mistakes.images is None else mistakes.images
    arrays = {
        "images": shrink(data.to_pixels(images)),
        "target": mistakes.target,
        "predicted": mistakes.predicted,
        "confidence": mistakes.confidence,
    }
    gathered = {name: gather(value.cpu()) for name, value in arrays.items()}
    order = np.argsort(-gathered["confidence"], kind="stable")[:MOST_MISTAKES]
    order = order[gathered["confidence"][order] >= 0]  # correct images have -1
    return TestResults(
        gather(module.predicted),
        gather(module.target),
        gather(module.confidence),
        {name: values[order] for name, values in gathered.items()},
    )


def write_picture_data(folder: Path, results: TestResults, network: nn.Module) -> list[str]:
    """Write calibration, confident mistakes and first-layer filters; return the file names.

    Args:
        folder: the run's folder.
        results: of the test; without images nothing is written.
        network: with the best weights.
    """
    if not results.predicted.size:
        return []
    write_atomic(folder / CALIBRATION, to_csv(_calibration_rows(results.calibration)))
    _write_arrays(folder / MISTAKES, results.mistakes)
    channels = results.mistakes["images"].shape[1]
    filters = first_filters(network, channels)
    if filters is None:
        return [CALIBRATION, MISTAKES]
    _write_arrays(folder / FILTERS, {"filters": filters})
    return [CALIBRATION, MISTAKES, FILTERS]


def first_filters(network: nn.Module, in_channels: int) -> NDArray[np.float32] | None:
    """Return the weights of the first 2-D convolution, (n, C, height, width), n <= 64.

    The first module with such a weight for ``in_channels`` counts. None if there is none, or if
    its filters are single pixels, which show nothing.

    Args:
        network: of any architecture.
        in_channels: C, of the images.
    """
    weights = (getattr(module, "weight", None) for module in network.modules())
    first = next((w for w in weights if isinstance(w, Tensor) and w.ndim == 4), None)
    if first is None or first.shape[1] != in_channels or first.shape[2:].numel() == 1:
        return None
    filters: NDArray[np.float32] = first[:MOST_FILTERS].detach().float().cpu().numpy()
    return filters


def shrink(images: Tensor) -> Tensor:
    """Return byte images (N, C, H, W) with sides of at most 64 pixels, averaged over areas."""
    longest = max(images.shape[2:])
    if longest <= LONGEST_SIDE or not len(images):
        return images
    height, width = (max(1, side * LONGEST_SIDE // longest) for side in images.shape[2:])
    return F.interpolate(images.float(), (height, width), mode="area").round().byte()


def _calibration_rows(table: Calibration) -> list[tuple[object, ...]]:
    count = len(table.images)
    rows: list[tuple[object, ...]] = [CALIBRATION_COLUMNS]
    for b, images in enumerate(table.images.tolist()):
        means = (table.confidence[b], table.accuracy[b]) if images else ("", "")
        shown = (round(float(m), 6) if images else m for m in means)
        rows.append((round(b / count, 6), round((b + 1) / count, 6), images, *shown))
    return rows


def _write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_atomic(path, buffer.getbuffer())
