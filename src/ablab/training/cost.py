"""What a trial costs: parameters, operations, seconds a step, bytes on disk."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ablab.data.module import InMemoryDataModule
from ablab.training import build

_TIMED_STEPS = 3


@dataclass(frozen=True)
class Cost:
    """What a trial costs on this machine.

    Attributes:
        parameters: trainable ones.
        flops: of one image's forward pass: two a multiply-add, convolutions and matrices only.
        step_seconds: one optimizer step on one thread.
        steps_per_epoch: optimizer steps an epoch.
        bytes: what a take leaves on disk, about.
    """

    parameters: int
    flops: int
    step_seconds: float
    steps_per_epoch: int
    bytes: int


def size(config: Mapping[str, Any], data: InMemoryDataModule) -> tuple[int, int]:
    """Return parameters and FLOPs an image, counted without weights or images."""
    with torch.device("meta"), torch.no_grad():
        network, _ = build.network(config, data, torch.Generator("cpu"))
        side = data.image_size
        image = torch.empty(1, data.in_channels, side, side)
        with FlopCounterMode(display=False) as counter:
            network.eval()(image)
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return parameters, int(counter.get_total_flops())


def measure(config: Mapping[str, Any]) -> Cost:
    """Time a few real steps of a trial in this process.

    Args:
        config: the trial's resolved configuration.
    """
    data = build.datamodule(config)
    parameters, flops = size(config, data)
    module = build.classifier(config, data)
    named_params = module.network.named_parameters()
    optimizer = build.Builder("optimizer", config["optimizer"])(named_params=named_params)
    loader = data.train_dataloader()
    batch = next(iter(loader))
    seconds = []
    for _ in range(_TIMED_STEPS):
        start = time.perf_counter()
        torch.autograd.backward(module.loss(module(batch[0]), batch[1]))
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - start)
    moments = 2  # what an optimizer keeps for each parameter, at most among ours
    return Cost(parameters, flops, min(seconds), len(loader), 4 * parameters * (2 + moments))
