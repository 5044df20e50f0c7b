"""What a trial costs: parameters, operations, seconds a step, bytes on disk."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ablab.data.trial_data import TrialData
from ablab.model import build
from ablab.model.builder import Builder
from ablab.model.by_hand.convert import as_torch

_TIMED_STEPS = 3


def _of_layer(x: list[int], w_input: list[int], w_state: list[int], *_: Any, **__: Any) -> int:
    """Return the FLOPs of one recurrent layer over x of (T, N, F)."""
    return 2 * x[0] * x[1] * (math.prod(w_input) + math.prod(w_state))


def _of_layers(x: list[int], weights: list[list[int]], *_: Any, **__: Any) -> int:
    """Return those of all layers and directions; weights are matrices and biases."""
    return 2 * x[0] * x[1] * sum(math.prod(shape) for shape in weights if len(shape) == 2)


# The whole recurrences that torch calls on CPU (LSTM) and on CUDA, which its counter passes over.
RECURRENCES = {torch.ops.aten.mkldnn_rnn_layer: _of_layer, torch.ops.aten._cudnn_rnn: _of_layers}


@dataclass(frozen=True)
class Cost:
    """What a trial costs on this machine.

    Attributes:
        parameters: trainable ones.
        flops: of one image's forward pass: two a multiply-add, convolutions and matrices only.
        step_seconds: one optimizer step on one thread.
        steps_per_epoch: optimizer steps an epoch.
        bytes: what a run leaves on disk, about.
    """

    parameters: int
    flops: int
    step_seconds: float
    steps_per_epoch: int
    bytes: int


def size(network: nn.Module, data: TrialData) -> tuple[int, int]:
    """Return parameters and FLOPs an image, counted on two blank ones; the network's mode is kept.

    Two, since norms of feature maps of one pixel refuse an image on its own.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    images = torch.zeros(2, data.in_channels, data.image_size, data.image_size)
    if parameters:  # where it lies, and as exact
        images = images.to(parameters[0])
    training = network.training
    counter = FlopCounterMode(display=False, custom_mapping=RECURRENCES)
    with torch.no_grad(), as_torch(network), counter:
        network.eval()(images)
    network.train(training)
    return sum(p.numel() for p in parameters), int(counter.get_total_flops()) // 2


def measure(config: Mapping[str, Any]) -> Cost:
    """Time a few real steps of a trial in this process.

    Args:
        config: the trial's resolved configuration.
    """
    data = build.datamodule(config)
    module = build.classifier(config, data)
    parameters, flops = size(module.network, data)
    named_params = module.network.named_parameters()
    optimizer = Builder("optimizer", config["optimizer"])(named_params=named_params)
    loader = data.train_dataloader()
    batch = next(iter(loader))

    def gradients() -> Tensor:
        optimizer.zero_grad()
        cost = module.objective(module.network, *batch).cost
        torch.autograd.backward(cost)
        return cost

    seconds = []
    for _ in range(_TIMED_STEPS):
        start = time.perf_counter()
        optimizer.step(gradients)
        module.regularizer.project()
        seconds.append(time.perf_counter() - start)
    size_of_state = sum(_bytes(state) for state in optimizer.state.values())
    return Cost(parameters, flops, min(seconds), len(loader), 8 * parameters + size_of_state)


def _bytes(state: Any) -> int:
    """Return the bytes of the tensors in what an optimizer keeps."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, Mapping):
        state = list(state.values())
    return sum(map(_bytes, state)) if isinstance(state, list) else 0
