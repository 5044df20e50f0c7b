"""Builds a trial and takes one dry training step: finds faults that only building shows.

Forward (`dry_forward`), backward (`dry_backward`), optimizer and scheduler (`dry_optimizer`), and
the memory that training needs (`memory`), mostly on ``meta`` tensors, without weights.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from ablab import streams
from ablab.config.dry_backward import backward, check_precision
from ablab.config.dry_forward import (
    CPU,
    META,
    DryNetwork,
    build_network,
    forward_in_evaluation,
    forward_in_training,
)
from ablab.config.dry_optimizer import check_optimizer
from ablab.config.fused import FUSED
from ablab.config.memory import memory_fault, weight_bytes
from ablab.config.sources import source_hashes
from ablab.data.errors import DataError
from ablab.data.module import InMemoryDataModule
from ablab.data.trial_data import TrialData
from ablab.errors import InputError
from ablab.faults import ComponentError, ConfigError, component_errors
from ablab.model import build
from ablab.model.builder import Builder
from ablab.model.by_hand.convert import check
from ablab.model.randomness import own_randomness
from ablab.model.targets import PARTS

_STAND_IN = {"_target_": "torch.nn.Identity"}


def dry_build(config: Mapping[str, Any]) -> frozenset[str]:
    """Build a validated trial, take a dry training step, and return the axes its network uses.

    Cached for all seeds of a configuration; leaves the global generators as they were.

    Args:
        config: the trial's resolved and validated configuration.

    Raises:
        ConfigError: with the faults of all components.
        DataError: the data set is missing or damaged.
    """
    content = {"config": {**config, "seed": 0}, "sources": source_hashes(config)}
    with streams.fork_rng(0, "dry_build"):
        return _dry_built(json.dumps(content, sort_keys=True))


@lru_cache(maxsize=1024)
def _dry_built(text: str) -> frozenset[str]:
    config = json.loads(text)["config"]
    faults: list[str] = []
    dry: DryNetwork | None = None
    total_steps = 100
    with _collected(faults):
        Builder("loss", config["loss"])()
    with _collected(faults):
        data = build.datamodule(config)
        with component_errors("dataset", InputError):
            data.check()
            total_steps = len(data.train_dataloader()) * config["trainer"]["max_epochs"]
        dry = _with_stand_ins(config, data, faults)
    network = dry.network if dry else nn.Linear(1, 1)
    state = 0.0
    with _collected(faults):
        state = check_optimizer(config, network, total_steps)
    with _collected(faults):
        Builder("regularizer", config["regularizer"])(named_params=network.named_parameters())
    if dry and not faults:
        with _collected(faults):
            _check_memory(dry, state)
            _backward(dry)
            num_weights = sum(p.numel() for p in network.parameters())
            check_precision(config, dry.data, num_weights)
    if config["backend"] == "by_hand" and not faults:
        module, side = build.classifier(config, data), data.image_size
        check(module, torch.zeros(2, data.in_channels, side, side))
    if config["backend"] == FUSED and not faults:
        faults += _fused_faults(config, data)
    if faults:
        raise ConfigError(faults)
    assert dry is not None
    return dry.used


@contextmanager
def _collected(faults: list[str]) -> Iterator[None]:
    """Append an `InputError` of the block to the faults; a `DataError` is raised."""
    try:
        yield
    except DataError:
        raise
    except InputError as error:
        faults.append(str(error))


def _with_stand_ins(config: Mapping[str, Any], data: TrialData, faults: list[str]) -> DryNetwork:
    """Return the network, each faulty part replaced by an identity to find further faults."""
    try:
        return _forward(config, data)
    except ComponentError as error:
        if config[error.axis] == _STAND_IN or error.axis not in PARTS:
            raise
        faults.append(str(error))
        return _with_stand_ins({**config, error.axis: _STAND_IN}, data, faults)


def _forward(config: Mapping[str, Any], data: TrialData) -> DryNetwork:
    """Return the network after forward passes: on ``meta``, or on the CPU if small or necessary.

    Memory is checked on ``meta`` first: a network that does not fit is never allocated.
    """
    try:
        dry = build_network(META, config, data)
        _check_memory(dry)
        dry = forward_in_evaluation(dry)
        _check_memory(dry)
        if not dry.is_small:
            return forward_in_training(dry)
    except Exception as error:
        if not _needs_values(error):
            raise
    return forward_in_training(forward_in_evaluation(build_network(CPU, config, data)))


def _backward(dry: DryNetwork) -> None:
    """Take the backward pass, on the CPU if it fails for want of values."""
    try:
        backward(dry)
    except Exception as error:
        if dry.device == CPU or not _needs_values(error):
            raise
        backward(forward_in_training(build_network(CPU, dry.config, dry.data)))


def _needs_values(error: Exception) -> bool:
    """Return whether an operation failed because tensors on ``meta`` have no values."""
    return isinstance(error, NotImplementedError) or META.type in str(error)


def _check_memory(dry: DryNetwork, state: float = 0.0) -> None:
    """Refuse a trial whose weights and activations do not fit into the memory.

    Args:
        dry: before a forward pass, only the weights count.
        state: values of optimizer state per value of a weight.

    Raises:
        InputError: with the sizes.
    """
    trained = sum(p.nbytes for p in dry.network.parameters() if p.requires_grad)
    weights = weight_bytes(dry.network) + state * trained
    images = dry.data.smallest_batch
    # Half of what two images save is an upper bound; only above it is a second pass worthwhile.
    if memory_fault(dry.config, weights, dry.saved_bytes / 2, images):
        per_image = dry.bytes_per_image() if dry.saved_bytes else 0.0
        if fault := memory_fault(dry.config, weights, per_image, images):
            raise InputError(fault)


def _fused_faults(config: Mapping[str, Any], data: TrialData) -> list[str]:
    """Return the components of a valid configuration that ``backend=fused`` does not support."""
    own = [
        f"backend must be torch for {axis} {config[axis]['_target_']}, got fused: it may draw from "
        "the global generators, which trials that train together share"
        for axis in own_randomness(config)
    ]
    if isinstance(data, InMemoryDataModule):
        return own
    name = config["dataset"]["_target_"]
    return [*own, f"backend must be torch for a LightningDataModule such as {name}, got fused"]
