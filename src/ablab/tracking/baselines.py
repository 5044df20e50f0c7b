"""Records of the classical learners that a network must beat, one file a split of a data set.

lab/baselines/<dataset>-<hash>.json, written anew after each learner, whole or not at all.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ablab.tracking.files import DamagedError
from ablab.tracking.sealed import read_sealed, write_sealed

# Those options of the data that change what a learner sees, with their neutral values; the order
# of images, and what is done to test images besides, do not.
DATA_OPTIONS: Mapping[str, Any] = {
    "train_images": None,
    "val_images": None,
    "test_images": None,
    "standardize": True,
    "permute_pixels": False,
}
_PLACE = "path"  # where data lie is no part of what they are: their hash is


@dataclass(frozen=True)
class Result:
    """What one learner reached.

    Attributes:
        title: how a table names it.
        estimator: dotted name of scikit-learn's class.
        settings: its arguments; all others are scikit-learn's defaults.
        scikit_learn: the version.
        metrics: ``val/accuracy`` and ``test/accuracy``, shares of the images.
        fit_seconds, predict_seconds: of the training images; of validation and test together.
        converged: whether it ended before its limit of iterations.
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
    """The learners on one split of one data set.

    Attributes:
        dataset: its component's name.
        identity: what the learners saw (see `identity`), the split's seed left out.
        seed: of the split, as a trial's.
        counts: ``train_images``, ``val_images``, ``test_images``, ``num_classes``.
        results: by the learner's name.
    """

    dataset: str
    identity: Mapping[str, Any]
    seed: int
    counts: Mapping[str, int]
    results: dict[str, Result] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        text = json.dumps([self.identity, self.seed], sort_keys=True)
        return f"{self.dataset}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def identity(config: Mapping[str, Any], data_hash: str) -> dict[str, Any]:
    """Return what two trials or learners share that were given the same data.

    Args:
        config: a trial's resolved configuration; its seed does not count.
        data_hash: of the data set's content.
    """
    options = config.get("data") or {}
    return {
        "dataset": {k: v for k, v in (config.get("dataset") or {}).items() if k != _PLACE},
        "data": {k: options.get(k, neutral) for k, neutral in DATA_OPTIONS.items()},
        "data_hash": data_hash,
    }


def read_baselines(lab: Path) -> list[Baselines]:
    """Return all records of the lab at this folder, by file name.

    Raises:
        DamagedError: a file is not as it was written; names it and the remedy.
    """
    found = (_read(path) for path in sorted(_folder(lab).glob("*.json")))
    return [record for record in found if record is not None]


def known(lab: Path, record: Baselines) -> Baselines:
    """Return the record as the lab has it, or as it is where the lab has none.

    Raises:
        DamagedError: the file is not as it was written; names it and the remedy.
    """
    return _read(_path(lab, record)) or record


def write_baselines(lab: Path, record: Baselines) -> Path:
    """Write a record, and return where it is."""
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
        known = str(error) if isinstance(error, DamagedError) else f"{path} must be of baselines"
        raise DamagedError(
            f"{known}; delete it, and `ablab baselines` of its data set trains them again"
        ) from error
    return record
