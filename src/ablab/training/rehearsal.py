"""A trial built without weights: what only building can tell, told before training."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from ablab import streams
from ablab.advice import without_advice
from ablab.data.errors import DataError
from ablab.data.trial_data import TrialData
from ablab.errors import InputError
from ablab.training import build
from ablab.training.by_hand.convert import check
from ablab.training.faults import ComponentError, ConfigError, component
from ablab.training.sources import source_hashes

_STAND_IN = {"_target_": "torch.nn.Identity"}


def rehearse(config: Mapping[str, Any]) -> frozenset[str]:
    """Build a validated trial, pass a batch through, and return the parts that its network uses.

    Costs nothing for a further seed, and leaves the global generators as they were.

    Args:
        config: the trial's resolved configuration.

    Raises:
        ConfigError: with the faults of all components.
        DataError: the data set is missing or damaged.
    """
    content = {"config": {**config, "seed": 0}, "sources": source_hashes(config)}
    with streams.forked(0, "rehearsal"):
        return _rehearsed(json.dumps(content, sort_keys=True))


@lru_cache(maxsize=1024)
def _rehearsed(text: str) -> frozenset[str]:
    config = json.loads(text)["config"]
    faults: list[str] = []
    network: nn.Module | None = None
    used: frozenset[str] = frozenset()
    with _telling(faults):
        build.Builder("loss", config["loss"])()
    with _telling(faults):
        data = build.datamodule(config)
        with component("dataset", InputError):
            data.check()
        network, used = _network(config, data, faults)
    trained = network or nn.Linear(1, 1)
    with _telling(faults):
        optimizer = build.Builder("optimizer", config["optimizer"])(
            named_params=trained.named_parameters()
        )
        build.Builder("scheduler", config["scheduler"])(optimizer=optimizer, total_steps=100)
    with _telling(faults):
        build.Builder("regularizer", config["regularizer"])(named_params=trained.named_parameters())
    if config["backend"] == "by_hand" and not faults:
        module, side = build.classifier(config, data), data.image_size
        check(module, torch.zeros(2, data.in_channels, side, side))
    if faults:
        raise ConfigError(faults)
    return used


@contextmanager
def _telling(faults: list[str]) -> Iterator[None]:
    """Add what goes wrong in the block to the faults; the data's own faults go through."""
    try:
        yield
    except DataError:
        raise
    except InputError as error:
        faults.append(str(error))


def _network(
    config: Mapping[str, Any], data: TrialData, faults: list[str]
) -> tuple[nn.Module, frozenset[str]]:
    """Return the network and the parts it uses, a faulty part stood in for to see further."""
    try:
        return _passed(config, data)
    except ComponentError as error:
        if config[error.axis] == _STAND_IN or error.axis not in build.PARTS:
            raise
        faults.append(str(error))
        return _network({**config, error.axis: _STAND_IN}, data, faults)


def _passed(config: Mapping[str, Any], data: TrialData) -> tuple[nn.Module, frozenset[str]]:
    try:
        return _passed_on(torch.device("meta"), config, data)
    except NotImplementedError:  # an operation whose shapes depend on values
        return _passed_on(torch.device("cpu"), config, data)


def _passed_on(
    device: torch.device, config: Mapping[str, Any], data: TrialData
) -> tuple[nn.Module, frozenset[str]]:
    with device:
        network, used = build.network(config, data, torch.Generator("cpu"))
        side = data.image_size
        images = torch.zeros(2, data.in_channels, side, side)
    try:
        with device:
            output = _outputs(network, images)
    except NotImplementedError:
        if device.type == "meta":
            raise
        raise InputError("architecture must have all its parts, got one without forward") from None
    except Exception as error:
        name = config["architecture"]["_target_"].rpartition(".")[2]
        told = without_advice(str(error))
        raise InputError(
            f"architecture must work with its parts and data, got {told} from {name}"
        ) from error
    for logits in output:
        shape = tuple(getattr(logits, "shape", ()))
        if shape != (2, data.num_classes):
            raise InputError(
                f"architecture must return (N, {data.num_classes}) logits, got {shape} for N=2"
            )
    weight = getattr(network, "auxiliary_weight", None)
    if len(output) > 1 and not isinstance(weight, int | float):
        raise InputError(
            "architecture must have a number auxiliary_weight for its auxiliary logits, "
            f"got {weight}"
        )
    if data.smallest_batch == 1:
        with device:
            _check_alone(network, images[:1], data.batch_word)
    return network, used


def _check_alone(network: nn.Module, image: torch.Tensor, word: str) -> None:
    """Refuse a network that cannot train on one image: batch norm of single values cannot.

    Raises:
        InputError: it cannot.
    """
    try:
        network(image)
    except Exception as error:
        told = without_advice(str(error))
        raise InputError(f"{word} must be 2 or more for these parts, got 1: {told}") from error


def _outputs(network: nn.Module, images: torch.Tensor) -> tuple[Any, ...]:
    """Return what a network gives in training, and in evaluation where that may be another."""
    output = network(images)
    if not isinstance(output, tuple):
        return (output,)
    evaluated = network.eval()(images)
    network.train()
    return (*output, evaluated)
