"""Construction of a trial's data, network and LightningModule from a validated configuration."""

import json
from collections.abc import Mapping
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from ablab import streams
from ablab.components.augmentation.none import unchanged
from ablab.components.batch_generator import BatchGenerator
from ablab.data.module import InMemoryDataModule
from ablab.data.own_generators import OwnGenerators
from ablab.data.perturbation import perturbations
from ablab.data.plain import PlainDataModule
from ablab.data.trial_data import TrialData
from ablab.faults import ComponentError
from ablab.model.builder import Builder
from ablab.model.by_hand.convert import convert
from ablab.model.classifier import Classifier
from ablab.model.construction import limited_size, make_lstms_work_in_bfloat16, materialize
from ablab.model.frozen_layers import freeze_parameters
from ablab.model.layer_streams import LayerStreams
from ablab.model.plain_data import refuse_options
from ablab.model.randomness import own_randomness
from ablab.model.targets import PARTS
from ablab.model.warm_start import start_from

_INITIALIZER_IMAGES = 512  # enough to estimate a variance; a batch may be the whole set


class ImageShape(Protocol):
    """What a network is built for; `TrialData` has it, and so has the record of a run."""

    @property
    def in_channels(self) -> int:
        """Number of channels of an image."""

    @property
    def image_size(self) -> int:
        """Height and width of an image, in pixels."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""


def dataset(node: Mapping[str, Any]) -> TrialData:
    """Return the data set that a ``dataset`` group names; nothing is read yet.

    Raises:
        ComponentError: it is no LightningDataModule, or lacks a required attribute.
    """
    # One stream for all seeds: what a user's data set draws is the same in each trial.
    with OwnGenerators(0, "dataset"):
        data = Builder("dataset", node)()
    if isinstance(data, TrialData):
        return data
    try:
        return PlainDataModule(data, identity=json.dumps(node, sort_keys=True))
    except ValueError as error:
        raise ComponentError("dataset", error) from error


def datamodule(config: Mapping[str, Any]) -> TrialData:
    """Return the data of a trial; nothing is read yet.

    Raises:
        ConfigError: an option is set that does not apply to a plain LightningDataModule.
    """
    data = dataset(config["dataset"])
    data.seed = config["seed"]
    if not isinstance(data, InMemoryDataModule):
        refuse_options(config)
        return data
    data.batch_size = config["batch_size"]
    augmentation = Builder("augmentation", config["augmentation"])(num_classes=data.num_classes)
    # Without one, batches are normalized in place: saves two copies.
    data.augmentation = None if augmentation is unchanged else augmentation
    options = config["data"]
    data.train_images, data.shuffle = options["train_images"], options["shuffle"]
    data.val_images, data.test_images = options["val_images"], options["test_images"]
    data.standardize, data.permute_pixels = options["standardize"], options["permute_pixels"]
    data.perturbations = perturbations(options, data.image_size)
    return data


def network(
    config: Mapping[str, Any], data: ImageShape, generator: torch.Generator
) -> tuple[nn.Module, frozenset[str]]:
    """Return a trial's network with its initial weights, and the axes that it uses.

    The weights of ``init_from`` replace those of the initializer; ``freeze`` is applied.

    Args:
        config: the trial's configuration.
        data: gives the numbers of channels and classes, and the image size; a data-dependent
            initializer needs its images as well.
        generator: the generator that dropout and stochastic pooling draw from.
    """
    parts = {axis: Builder(axis, config[axis], generator=generator) for axis in PARTS}
    layer_streams = LayerStreams(config["seed"])
    for part in parts.values():
        part.layer_streams = layer_streams
    with streams.fork_rng(config["seed"], "init"), layer_streams:
        with limited_size():
            module: nn.Module = Builder("architecture", config["architecture"])(
                in_channels=data.in_channels,
                num_classes=data.num_classes,
                image_size=data.image_size,
                **parts,
            )
        materialize(module, (2, data.in_channels, data.image_size, data.image_size))
        initializer = Builder("initializer", config["initializer"])
        batch = {"batch": _first_batch(data, module)} if initializer.accepts("batch") else {}
        initializer(module=module, **batch)
    _refuse_unused_dropout(parts["dropout"])
    if config.get("init_from") is not None:
        start_from(module, str(config["init_from"]))
    freeze_parameters(module, config.get("freeze"))
    make_lstms_work_in_bfloat16(module)
    return module, frozenset(axis for axis, part in parts.items() if part.calls)


def _first_batch(data: ImageShape, module: nn.Module) -> Tensor:
    """Return images of the first training batch, unaugmented, for a data-dependent initializer."""
    if any(parameter.is_meta for parameter in module.parameters()):  # a dry build: shapes alone
        side = data.image_size
        return torch.empty(2, data.in_channels, side, side, device="meta")
    # Only a trial's data get here: a network that is loaded is built without the initializer.
    return cast(TrialData, data).first_images()[:_INITIALIZER_IMAGES]


def _refuse_unused_dropout(dropout: Builder) -> None:
    """Refuse a dropout of maps or branches in a network that has none.

    Raises:
        ComponentError: the network never called it.
    """
    if not dropout.calls and dropout.site != "units":
        rule = f"dropout._target_ must be one that the architecture has {dropout.site} for"
        raise ComponentError("dropout", ValueError(f"{rule}, got {dropout.target}"))


def classifier(
    config: Mapping[str, Any],
    data: ImageShape,
    device: torch.device | str = "cpu",
) -> Classifier:
    """Return the LightningModule of a trial.

    Args:
        config: the trial's configuration.
        data: gives the numbers of channels and classes, and the image size.
        device: where the module will train; dropout's generator is created there.

    Raises:
        ConfigError: ``backend`` is ``by_hand``, and a component has no version by hand.
    """
    generator = (torch.Generator if own_randomness(config) else BatchGenerator)(device)
    module, _ = network(config, data, generator)
    built = Classifier(
        module,
        loss=Builder("loss", config["loss"])(),
        regularizer=Builder("regularizer", config["regularizer"]),
        optimizer=Builder("optimizer", config["optimizer"]),
        scheduler=Builder("scheduler", config["scheduler"]),
        num_classes=data.num_classes,
        seed=config["seed"],
        dropout_generator=generator,
    )
    if config["backend"] == "by_hand":
        convert(built, config)
    return built
