"""Lower bound of a trial's memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ablab.config.machine import machine_memory
from ablab.config.preflight import device_type, gpus_elsewhere, num_processes
from ablab.formatting import format_size
from ablab.text import format_count

# Lower bounds: in mixed precision some saved tensors stay in float32.
_SCALES = {"64-true": 2.0, "bf16-true": 0.5, "bf16-mixed": 0.5, "16-mixed": 0.5}
_SMALL_BYTES = 1_000_000_000  # fits anywhere: querying a GPU's memory takes a second


@dataclass
class Saved:
    """Counts the bytes that a forward pass saves for its backward pass.

    Attributes:
        bytes: of all tensors except weights, each storage counted once.
    """

    bytes: int = 0
    _storages: dict[int, Any] = field(default_factory=dict)

    def add(self, tensor: Tensor) -> None:
        """Count a tensor; its storage is kept, so that no other one gets its address."""
        try:
            storage = tensor.untyped_storage()
        except NotImplementedError:  # sparse tensors have none
            return
        if storage._cdata not in self._storages:
            self._storages[storage._cdata] = storage
            self.bytes += storage.nbytes()


@contextmanager
def count_saved(network: nn.Module) -> Iterator[Saved]:
    """Count the bytes that the block's forward passes of a network save."""
    saved = Saved()
    for weight in network.parameters():
        saved.add(weight)
    saved.bytes = 0

    def count(tensor: Tensor) -> Tensor:
        saved.add(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        yield saved


def weight_bytes(network: nn.Module) -> int:
    """Return the bytes of a network's weights and of their gradients."""
    return sum(p.nbytes * (2 if p.requires_grad else 1) for p in network.parameters())


def memory_fault(
    config: Mapping[str, Any], weights: float, bytes_per_image: float, images: int
) -> str | None:
    """Return the fault of a trial that certainly exceeds the memory, else None.

    A lower bound: temporary buffers of a step are not counted.

    Args:
        config: the trial's configuration.
        weights: bytes of weights, gradients and optimizer state in float32, per process.
        bytes_per_image: bytes that a forward pass saves for its backward pass.
        images: of a batch, over all processes.
    """
    count, kind = num_processes(config["devices"]), device_type(config)
    if gpus_elsewhere(config) is not None:  # the memory of another machine is not known
        return None
    scale = _SCALES.get(config["trainer"]["precision"], 1.0)
    weights, saved = weights * scale, bytes_per_image * images * scale
    needed = weights + saved / count if kind == "cuda" else weights * count + saved
    if needed < _SMALL_BYTES or needed <= (available := _available(kind)):
        return None
    owner = "GPU" if kind == "cuda" else "machine"
    keys = "architecture" if weights > available else "architecture and batch_size"
    return (
        f"{keys} must fit into the {format_size(available)} of memory of this {owner}, got at "
        f"least {format_size(needed)}: {format_size(weights)} for weights, gradients and optimizer "
        f"state, {format_size(saved)} for the activations of {format_count(images, 'image')}"
    )


def _available(kind: str) -> float:
    if kind == "cuda":
        return float(torch.cuda.get_device_properties(0).total_memory)
    return machine_memory()
