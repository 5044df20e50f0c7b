"""The classical learners of scikit-learn, on the very images that a trial would be given."""

import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from ablab.catalogue.learners import LEARNERS, Learner
from ablab.config.compose import compose
from ablab.config.validate import validate
from ablab.data.trial_data import TrialData
from ablab.faults import ConfigError
from ablab.model import build
from ablab.tracking.baselines import Baselines, Result, identity, stored_or_new, write_baselines
from ablab.tracking.lab import Lab

_TAKEN = ("seed", "dataset.", "data.")
Part = tuple[NDArray[np.float32], NDArray[np.int64]]


def train_baselines(
    dataset: str,
    overrides: Sequence[str] = (),
    *,
    fresh: bool = False,
    say: Callable[[str], None] = lambda line: None,
    lab: Lab | None = None,
) -> Baselines:
    """Train those learners that the lab has not yet for this data, and return all.

    Training, validation and test images are those of a trial with this configuration, standardized
    as it says; nothing is tuned, so that validation serves as a second test.

    Args:
        dataset: a component of the axis.
        overrides: of ``seed``, ``dataset.…`` and ``data.…`` alone: nothing else reaches a learner.
        fresh: train again what is there.
        say: called with a line before and after each learner.
        lab: where the record goes; by default the one that is found.

    Raises:
        ConfigError: with all faults of the overrides.
        DataError: the data set is missing or damaged.
    """
    if strangers := [text for text in overrides if not text.startswith(_TAKEN)]:
        raise ConfigError(
            [f"override must be of seed, dataset. or data., got {text}" for text in strangers]
        )
    config = compose([f"dataset={dataset}", *overrides]).resolved()
    validate(config)
    data = build.datamodule(config)
    same, counts = identity(config, data.content_hash), {**data.counts(), **data.slices}
    empty = Baselines(dataset, same, config["seed"], counts)
    lab = lab or Lab.open()
    record = empty if fresh else stored_or_new(lab.root, empty)
    say(_heading(record))
    parts: dict[str, Part] = {}
    for learner in LEARNERS:
        if _is_current(record.results.get(learner.name), learner):
            say(f"{learner.title}: {_figures(record.results[learner.name])}, trained before")
            continue
        parts = parts or _parts(data)
        say(f"{learner.title}: trains …")
        record = replace(record, results=record.results | {learner.name: _trained(learner, parts)})
        write_baselines(lab.root, record)
        say(f"{learner.title}: {_told(record.results[learner.name])}")
    return record


def _is_current(result: Result | None, learner: Learner) -> bool:
    asked = learner.estimator, dict(learner.settings)
    return result is not None and (result.estimator, dict(result.settings)) == asked


def _trained(learner: Learner, parts: dict[str, Part]) -> Result:
    estimator = learner.build()
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")  # of pixels that are the same in every image
        warnings.simplefilter("always", ConvergenceWarning)
        estimator.fit(*parts["train"])
    fitted = time.perf_counter()
    metrics = {
        f"{part}/accuracy": float((estimator.predict(parts[part][0]) == parts[part][1]).mean())
        for part in ("val", "test")
    }
    return Result(
        learner.title,
        learner.estimator,
        dict(learner.settings),
        sklearn.__version__,
        metrics,
        round(fitted - start, 3),
        round(time.perf_counter() - fitted, 3),
        not any(issubclass(warning.category, ConvergenceWarning) for warning in caught),
    )


def _parts(data: TrialData) -> dict[str, Part]:
    """Return images (N, H * W * C), as a network would be given them, and labels (N,)."""
    loaders: dict[str, Any] = {
        "train": data.each_once(),
        "val": data.val_dataloader(),
        "test": data.test_dataloader(),
    }
    return {part: _joined(loader) for part, loader in loaders.items()}


def _joined(batches: Iterable[tuple[Tensor, Tensor]]) -> Part:
    pixels, labels = zip(*((x.permute(0, 2, 3, 1).flatten(1), y) for x, y in batches), strict=True)
    return torch.cat(pixels).numpy(), torch.cat(labels).numpy()


def _heading(record: Baselines) -> str:
    counts = [_counted(record.counts, part) for part in ("train", "val", "test")]
    return f"{record.dataset}, seed {record.seed}: {', '.join(counts)} images"


def _counted(counts: Mapping[str, int], part: str) -> str:
    """Return how many images of a part are used: ``50 test``, ``50 of 360 test``."""
    there = counts.get(f"{part}_images_available")
    return f"{counts[f'{part}_images']} {f'of {there} ' if there else ''}{part}"


def _told(result: Result) -> str:
    seconds = result.fit_seconds + result.predict_seconds
    limit = "" if result.converged else ", stopped at its limit of iterations"
    return f"{_figures(result)}, {seconds:.1f} s{limit}"


def _figures(result: Result) -> str:
    return ", ".join(
        f"{part} {100 * result.metrics[f'{part}/accuracy']:.2f} %" for part in ("test", "val")
    )
