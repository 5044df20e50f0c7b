"""Cost of a trial: parameters, FLOPs, seconds per step, bytes on disk."""

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
from ablab.tracking.picture_data import LONGEST_SIDE, MOST_MISTAKES

_TIMED_STEPS = 3


def _layer_flops(x: list[int], w_input: list[int], w_state: list[int], *_: Any, **__: Any) -> int:
    """Return the FLOPs of one recurrent layer over x of (T, N, F)."""
    return 2 * x[0] * x[1] * (math.prod(w_input) + math.prod(w_state))


def _stacked_flops(x: list[int], weights: list[list[int]], *_: Any, **__: Any) -> int:
    """Return the FLOPs of all layers and directions, from the shapes of matrices and biases."""
    return 2 * x[0] * x[1] * sum(math.prod(shape) for shape in weights if len(shape) == 2)


# Fused recurrences on CPU (LSTM) and CUDA, which torch's counter does not know.
RECURRENCES = {
    torch.ops.aten.mkldnn_rnn_layer: _layer_flops,
    torch.ops.aten._cudnn_rnn: _stacked_flops,
}


@dataclass(frozen=True)
class Cost:
    """Cost of a trial on this machine.

    Attributes:
        parameters: number of trainable parameters.
        flops: FLOPs of one image's forward pass: two per multiply-add, convolutions and matrix
            products only.
        step_seconds: seconds of one optimizer step on one thread.
        steps_per_epoch: optimizer steps per epoch.
        weight_bytes: of the stored weights of a run.
        checkpoint_bytes: of its checkpoint, which is deleted when the run is finished.
        test_bytes: approximately, of the tables and pictures that depend on the data.
    """

    parameters: int
    flops: int
    step_seconds: float
    steps_per_epoch: int
    weight_bytes: int
    checkpoint_bytes: int
    test_bytes: int


def size(network: nn.Module, data: TrialData) -> tuple[int, int]:
    """Return the number of trainable parameters, and the FLOPs of one image.

    FLOPs are counted on two blank images, because norms of 1x1 maps fail on one. The network's mode
    is kept.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    images = torch.zeros(2, data.in_channels, data.image_size, data.image_size)
    if parameters:  # same device and dtype
        images = images.to(parameters[0])
    training = network.training
    counter = FlopCounterMode(display=False, custom_mapping=RECURRENCES)
    with torch.no_grad(), as_torch(network), counter:
        network.eval()(images)
    network.train(training)
    return sum(p.numel() for p in parameters), int(counter.get_total_flops()) // 2


def measure(config: Mapping[str, Any]) -> Cost:
    """Measure a few training steps of a trial in this process.

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

    def compute_gradients() -> Tensor:
        optimizer.zero_grad()
        cost = module.objective(module.network, *batch).cost
        torch.autograd.backward(cost)
        return cost

    seconds = []
    for _ in range(_TIMED_STEPS):
        start = time.perf_counter()
        optimizer.step(compute_gradients)
        module.regularizer.project()
        seconds.append(time.perf_counter() - start)
    state_bytes = sum(_bytes(state) for state in optimizer.state.values())
    weights = _bytes(module.network.state_dict())
    return Cost(
        parameters=parameters,
        flops=flops,
        step_seconds=min(seconds),
        steps_per_epoch=len(loader),
        weight_bytes=weights,
        checkpoint_bytes=weights + state_bytes,
        test_bytes=_test_bytes(data),
    )


def _test_bytes(data: TrialData) -> int:
    """Return the bytes of confident mistakes, stored and drawn, and of the confusion matrix."""
    pixels = MOST_MISTAKES * data.in_channels * min(data.image_size, LONGEST_SIDE) ** 2
    return 2 * pixels + 2 * data.num_classes**2


def _bytes(state: Any) -> int:
    """Return the bytes of all tensors in an optimizer's state."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, Mapping):
        state = list(state.values())
    return sum(map(_bytes, state)) if isinstance(state, list) else 0
