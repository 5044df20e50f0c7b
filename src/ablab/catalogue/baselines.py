"""Trains the scikit-learn baselines on the images of a trial."""

import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from ablab.catalogue.estimators import ESTIMATORS, Estimator
from ablab.config.compose import compose
from ablab.config.validate import validate
from ablab.data.trial_data import TrialData
from ablab.faults import ConfigError
from ablab.formatting import format_metric
from ablab.model import build
from ablab.tracking.baselines import Baselines, Result, identity, stored_or_new, write_baselines
from ablab.tracking.lab import Lab

_ALLOWED = ("seed", "dataset.", "data.")
Part = tuple[NDArray[np.float32], NDArray[np.int64]]


def train_baselines(
    dataset: str,
    overrides: Sequence[str] = (),
    *,
    fresh: bool = False,
    say: Callable[[str], None] = lambda line: None,
    lab: Lab | None = None,
) -> Baselines:
    """Train the scikit-learn baselines that the lab does not have for this data, and return all.

    Training, validation and test images are those of a trial with this configuration. Nothing is
    tuned, so that the validation images serve as a second test set.

    Args:
        dataset: a component of the axis.
        overrides: of ``seed``, ``dataset.…`` and ``data.…``; others do not apply.
        fresh: train all again.
        say: called with a line before and after each baseline.
        lab: of the records; by default the current one.

    Raises:
        ConfigError: with all faults of the overrides.
        DataError: the data set is missing or damaged.
    """
    if unknown := [text for text in overrides if not text.startswith(_ALLOWED)]:
        raise ConfigError(
            [f"override must be of seed, dataset. or data., got {text}" for text in unknown]
        )
    config = compose([f"dataset={dataset}", *overrides]).resolved()
    validate(config)
    return fit_baselines(dataset, config, fresh=fresh, say=say, lab=lab or Lab.open())


def fit_baselines(
    dataset: str,
    config: Mapping[str, Any],
    names: Collection[str] | None = None,
    *,
    lab: Lab,
    fresh: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Baselines:
    """Train the scikit-learn baselines that the lab does not have for the data of a trial.

    Args:
        dataset: a component of the axis.
        config: resolved and checked, of a trial.
        names: of the baselines; None for all.
        lab: of the records.
        fresh: train these again.
        say: called with a line before and after each baseline.

    Returns:
        The record, with all that the lab has.

    Raises:
        DataError: the data set is missing or damaged.
    """
    data = build.datamodule(config)
    same, counts = identity(config, data.content_hash), {**data.counts(), **data.slices}
    empty = Baselines(dataset, same, config["seed"], counts)
    record = empty if fresh else stored_or_new(lab.root, empty)
    say(_format_heading(record))
    parts: dict[str, Part] = {}
    for estimator in (each for each in ESTIMATORS if names is None or each.name in names):
        name, title = estimator.name, estimator.title
        if is_current(record.results.get(name), estimator):
            say(f"{title}: {_format_accuracies(record.results[name])}, trained before")
            continue
        parts = parts or _parts(data)
        say(f"{title}: training …")
        record = replace(record, results=record.results | {name: _train(estimator, parts)})
        write_baselines(lab.root, record)
        say(f"{title}: {_format_result(record.results[name])}")
    return record


def is_current(result: Result | None, estimator: Estimator) -> bool:
    """Return whether a result is of a baseline as it is now."""
    current = estimator.class_path, dict(estimator.settings)
    return result is not None and (result.estimator, dict(result.settings)) == current


def _train(estimator: Estimator, parts: dict[str, Part]) -> Result:
    model = estimator.build()
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")  # about pixels that are constant over all images
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(*parts["train"])
    fitted = time.perf_counter()
    metrics = {
        f"{part}/accuracy": float((model.predict(parts[part][0]) == parts[part][1]).mean())
        for part in ("val", "test")
    }
    return Result(
        estimator.title,
        estimator.class_path,
        dict(estimator.settings),
        sklearn.__version__,
        metrics,
        round(fitted - start, 3),
        round(time.perf_counter() - fitted, 3),
        not any(issubclass(warning.category, ConvergenceWarning) for warning in caught),
    )


def _parts(data: TrialData) -> dict[str, Part]:
    """Return images (N, H * W * C), as a network gets them, and labels (N,), of each part."""
    loaders: dict[str, Any] = {
        "train": data.each_once(),
        "val": data.val_dataloader(),
        "test": data.test_dataloader(),
    }
    return {part: _concatenate(loader) for part, loader in loaders.items()}


def _concatenate(batches: Iterable[tuple[Tensor, Tensor]]) -> Part:
    pixels, labels = zip(*((x.permute(0, 2, 3, 1).flatten(1), y) for x, y in batches), strict=True)
    return torch.cat(pixels).numpy(), torch.cat(labels).numpy()


def _format_heading(record: Baselines) -> str:
    counts = [_format_count(record.counts, part) for part in ("train", "val", "test")]
    return f"{record.dataset}, seed {record.seed}: {', '.join(counts)} images"


def _format_count(counts: Mapping[str, int], part: str) -> str:
    """Return the number of images used of a part: ``50 test``, ``50 of 360 test``."""
    available = counts.get(f"{part}_images_available")
    return f"{counts[f'{part}_images']} {f'of {available} ' if available else ''}{part}"


def _format_result(result: Result) -> str:
    seconds = result.fit_seconds + result.predict_seconds
    limit = "" if result.converged else ", stopped at its limit of iterations"
    return f"{_format_accuracies(result)}, {seconds:.1f} s{limit}"


def _format_accuracies(result: Result) -> str:
    return ", ".join(
        f"{part} {format_metric(result.metrics[f'{part}/accuracy'], 'accuracy')}"
        for part in ("test", "val")
    )
