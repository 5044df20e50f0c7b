"""The parts of a trial, for a Trainer of one's own."""

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
        choices: a component for each axis that shall not have its default, and scalars:
            ``architecture="resnet18"``, ``dataset="cifar100"``, ``seed=3``.

    Returns:
        A Classifier, (N, C, H, W) -> logits (N, K), that any Lightning Trainer trains. The data
        set, which tells C, H, W and K, need not be there.

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
        dataset: its name, ``"cifar100"``.
        overrides: as on the command line, ``"dataset.val_fraction=0.2"``.
        choices: ``augmentation="crop_flip"``, ``batch_size=64``, ``seed=3``.

    Returns:
        Batches (x, y): x float32 (N, C, H, W), normalised; y int64 (N,). Those of a plain
        LightningDataModule are its own.

    Raises:
        ConfigError: all faults at once.
        DataError: when it is used: the data are missing or damaged.

    Example:
        >>> datamodule("digits", batch_size=64).num_classes
        10
    """
    return build.datamodule(_config(overrides, {"dataset": dataset, **choices}))


def _config(overrides: tuple[str, ...], choices: dict[str, Any]) -> dict[str, Any]:
    config = compose(to_overrides(overrides, choices)).resolved()
    validate(config)
    return config
