"""Records of the scikit-learn baselines, one file per split of a data set.

lab/baselines/<dataset>-<hash>.json, rewritten atomically after each baseline.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablab.tracking.files import DamagedError
from ablab.tracking.sealed import read_sealed, write_sealed

# The data options that change what a baseline is fitted to, with their neutral values; the order
# of the images and the perturbations of test images do not.
DATA_OPTIONS: Mapping[str, Any] = {
    "train_images": None,
    "val_images": None,
    "test_images": None,
    "standardize": True,
    "permute_pixels": False,
}
NAMES = (  # of the baselines, whose settings are in `ablab.catalogue.estimators`
    "majority_class",
    "nearest_centroid",
    "k_nn",
    "logistic_regression",
    "linear_svm",
    "random_forest",
)
MEASURED = ("val/accuracy", "test/accuracy")
_IN_HASH = ("path", "enlarge")  # not part of the identity: the hash of the data tells them apart


@dataclass(frozen=True)
class Result:
    """Stores the result of one scikit-learn baseline.

    Attributes:
        title: name in tables.
        estimator: dotted name of the scikit-learn class.
        settings: its arguments; all others are the defaults of scikit-learn.
        scikit_learn: version of scikit-learn.
        metrics: ``val/accuracy`` and ``test/accuracy``, in [0, 1].
        fit_seconds: time of the fit, in seconds.
        predict_seconds: time of validation and test together, in seconds.
        converged: whether it ended before its iteration limit.
    """

    title: str
    estimator: str
    settings: Mapping[str, Any]
    scikit_learn: str
    metrics: Mapping[str, float]
    fit_seconds: float
    predict_seconds: float
    converged: bool = True


@dataclass(frozen=True)
class Baselines:
    """Stores the scikit-learn baselines of one split of one data set.

    Attributes:
        dataset: name of the component.
        identity: the data they were fitted to (see `identity`), without the seed of the split.
        seed: of the split, the same as a trial's.
        counts: ``train_images``, ``val_images``, ``test_images``, ``num_classes``.
        results: by name of the baseline.
    """

    dataset: str
    identity: Mapping[str, Any]
    seed: int
    counts: Mapping[str, int]
    results: dict[str, Result] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The stem of the file's name."""
        text = json.dumps([self.identity, self.seed], sort_keys=True)
        return f"{self.dataset}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def identity(config: Mapping[str, Any], data_hash: str) -> dict[str, Any]:
    """Return what is equal for two trials or baselines if their data are.

    Args:
        config: a trial's resolved configuration; its seed is not used.
        data_hash: SHA-256 of the data set's content.
    """
    options = config.get("data") or {}
    return {
        "dataset": {k: v for k, v in (config.get("dataset") or {}).items() if k not in _IN_HASH},
        "data": {k: options.get(k, neutral) for k, neutral in DATA_OPTIONS.items()},
        "data_hash": data_hash,
    }


def metric_of(name: str, metric: str) -> str:
    """Return the name under which a trial has a baseline's metric on its own split."""
    return f"baseline/{name}/{metric}"


def read_baselines(lab: Path) -> list[Baselines]:
    """Return all records of the lab in this folder, sorted by file name.

    Raises:
        DamagedError: a file was changed since it was written; names it and the remedy.
    """
    records = (_read(path) for path in sorted(_folder(lab).glob("*.json")))
    return [record for record in records if record is not None]


def stored_or_new(lab: Path, new: Baselines) -> Baselines:
    """Return the record of the same data that the lab has, or ``new`` if it has none.

    Raises:
        DamagedError: the file was changed since it was written; names it and the remedy.
    """
    return _read(_path(lab, new)) or new


def write_baselines(lab: Path, record: Baselines) -> Path:
    """Write a record and return its path."""
    _folder(lab).mkdir(parents=True, exist_ok=True)
    path = _path(lab, record)
    write_sealed(path, asdict(record))
    return path


def _folder(lab: Path) -> Path:
    return lab / "baselines"


def _path(lab: Path, record: Baselines) -> Path:
    return _folder(lab) / f"{record.name}.json"


def _read(path: Path) -> Baselines | None:
    try:
        content = read_sealed(path)
        if content is None:
            return None
        results = {name: Result(**result) for name, result in content["results"].items()}
        record = Baselines(**content | {"results": results})
        if not isinstance(record.dataset, str) or not isinstance(record.identity, dict):
            raise TypeError
        for result in results.values():
            float(result.metrics["test/accuracy"] + result.metrics["val/accuracy"])
    except (DamagedError, TypeError, KeyError, AttributeError, ValueError) as error:
        is_known = isinstance(error, DamagedError)
        fault = str(error) if is_known else f"{path} must hold baselines, got other content"
        raise DamagedError(
            f"{fault}; delete it, and `ablab baselines` of its data set fits them again"
        ) from error
    return record
