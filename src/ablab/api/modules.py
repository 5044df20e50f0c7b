"""`ablab.classifier` and `ablab.datamodule`: the parts of a trial, for your own Trainer."""

from typing import Any

from ablab.api.values import to_overrides
from ablab.config.compose import compose
from ablab.config.validate import validate
from ablab.data.trial_data import TrialData
from ablab.model import build
from ablab.model.classifier import Classifier


def classifier(*overrides: str, **choices: Any) -> Classifier:
    """Return the LightningModule of a trial, with its initial weights.

    Args:
        overrides: as on the command line, ``"optimizer.lr=0.1"``.
        choices: components and values that differ from the defaults:
            ``architecture="resnet18"``, ``dataset="cifar100"``, ``seed=3``.

    Returns:
        A Classifier, (N, C, H, W) -> logits (N, K), that any Lightning Trainer can train. C, H, W
        and K are those of the data set, which need not be downloaded.

    Raises:
        ConfigError: all faults at once.

    Example:
        >>> module = classifier(architecture="lenet5", activation="elu")
        >>> sum(p.numel() for p in module.parameters())
        61706
    """
    config = _config(overrides, choices)
    return build.classifier(config, build.datamodule(config))


def datamodule(dataset: str, *overrides: str, **choices: Any) -> TrialData:
    """Return the LightningDataModule of a data set.

    Args:
        dataset: name of the data set, ``"cifar100"``.
        overrides: as on the command line, ``"dataset.val_fraction=0.2"``.
        choices: ``augmentation="crop_flip"``, ``batch_size=64``, ``seed=3``.

    Returns:
        A LightningDataModule with batches (x, y): x float32 (N, C, H, W), normalized; y int64
        (N,). Batches of your own LightningDataModule are unchanged.

    Raises:
        ConfigError: all faults at once.
        DataError: when it is used, if the data are missing or damaged.

    Example:
        >>> datamodule("digits", batch_size=64).num_classes
        10
    """
    return build.datamodule(_config(overrides, {"dataset": dataset, **choices}))


def _config(overrides: tuple[str, ...], choices: dict[str, Any]) -> dict[str, Any]:
    config = compose(to_overrides(overrides, choices)).resolved()
    validate(config)
    return config
