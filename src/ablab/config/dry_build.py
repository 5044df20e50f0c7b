"""A trial built without weights: what only building can tell, told before training."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from ablab import streams
from ablab.config.dry_optimizer import try_optimizer
from ablab.config.dry_precision import try_precision
from ablab.config.dry_run import CPU, META, Passed, build_dry, evaluate, train
from ablab.config.dry_step import step_back
from ablab.config.memory import memory_fault, weight_bytes
from ablab.config.sources import source_hashes
from ablab.data.errors import DataError
from ablab.data.trial_data import TrialData
from ablab.errors import InputError
from ablab.faults import ComponentError, ConfigError, component
from ablab.model import build
from ablab.model.builder import Builder
from ablab.model.by_hand.convert import check

_STAND_IN = {"_target_": "torch.nn.Identity"}


def dry_build(config: Mapping[str, Any]) -> frozenset[str]:
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
        return _dry_built(json.dumps(content, sort_keys=True))


@lru_cache(maxsize=1024)
def _dry_built(text: str) -> frozenset[str]:
    config = json.loads(text)["config"]
    faults: list[str] = []
    passed: Passed | None = None
    total_steps = 100
    with _telling(faults):
        Builder("loss", config["loss"])()
    with _telling(faults):
        data = build.datamodule(config)
        with component("dataset", InputError):
            data.check()
            total_steps = len(data.train_dataloader()) * config["trainer"]["max_epochs"]
        passed = _network(config, data, faults)
    network = passed.network if passed else nn.Linear(1, 1)
    state = 0.0
    with _telling(faults):
        state = try_optimizer(config, network, total_steps)
    with _telling(faults):
        Builder("regularizer", config["regularizer"])(named_params=network.named_parameters())
    if passed and not faults:
        with _telling(faults):
            _check_memory(passed, state)
            _step_back(passed)
            num_weights = sum(p.numel() for p in network.parameters())
            try_precision(config, passed.data, num_weights)
    if config["backend"] == "by_hand" and not faults:
        module, side = build.classifier(config, data), data.image_size
        check(module, torch.zeros(2, data.in_channels, side, side))
    if faults:
        raise ConfigError(faults)
    assert passed is not None
    return passed.used


@contextmanager
def _telling(faults: list[str]) -> Iterator[None]:
    """Add what goes wrong in the block to the faults; the data's own faults go through."""
    try:
        yield
    except DataError:
        raise
    except InputError as error:
        faults.append(str(error))


def _network(config: Mapping[str, Any], data: TrialData, faults: list[str]) -> Passed:
    """Return the network, a faulty part stood in for to see further."""
    try:
        return _passed(config, data)
    except ComponentError as error:
        if config[error.axis] == _STAND_IN or error.axis not in build.PARTS:
            raise
        faults.append(str(error))
        return _network({**config, error.axis: _STAND_IN}, data, faults)


def _passed(config: Mapping[str, Any], data: TrialData) -> Passed:
    """Return the network behind a batch, without values where it is large and needs none."""
    try:
        looked_at = evaluate(_fitting(build_dry(META, config, data)))
        _check_memory(looked_at)
        if not looked_at.is_small:
            return train(looked_at)
    except Exception as error:
        if not _lacks_values(error):
            raise
    return train(evaluate(build_dry(CPU, config, data)))


def _fitting(built: Passed) -> Passed:
    """Return a network whose weights the memory holds."""
    _check_memory(built)
    return built


def _step_back(passed: Passed) -> None:
    """Take the step's way back, without values unless it needs them."""
    try:
        step_back(passed)
    except Exception as error:
        if passed.device == CPU or not _lacks_values(error):
            raise
        step_back(train(build_dry(CPU, passed.config, passed.data)))


def _lacks_values(error: Exception) -> bool:
    """Tell whether something failed because tensors on ``meta`` have no values."""
    return isinstance(error, NotImplementedError) or META.type in str(error)


def _check_memory(passed: Passed, state: float = 0.0) -> None:
    """Refuse what the memory cannot hold: weights and all that is kept for a batch.

    Args:
        passed: where it is only built, the weights are looked at alone.
        state: how many values the optimizer keeps for each value of a weight.

    Raises:
        InputError: it cannot.
    """
    trained = sum(p.nbytes for p in passed.network.parameters() if p.requires_grad)
    weights = weight_bytes(passed.network) + state * trained
    images = passed.data.smallest_batch
    if memory_fault(passed.config, weights, passed.kept / 2, images):
        further = passed.bytes_per_image() if passed.kept else 0.0
        if fault := memory_fault(passed.config, weights, further, images):
            raise InputError(fault)
