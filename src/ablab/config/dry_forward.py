"""The forward half of a dry build: a batch passes the network, on ``meta`` where possible.

Tensors on ``meta`` have shapes and no values: a forward pass costs neither memory nor time.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ablab.config.memory import count_saved
from ablab.config.preflight import num_processes
from ablab.data.trial_data import TrialData
from ablab.errors import InputError
from ablab.faults import format_error
from ablab.model import build
from ablab.model.objective import all_logits

META, CPU = torch.device("meta"), torch.device("cpu")
IMAGES = 2
# Below these a step with values takes no longer than one without.
_SMALL_WEIGHTS, _SMALL_BYTES = 1_000_000, 50_000_000


@dataclass(frozen=True)
class DryNetwork:
    """Stores a network and the results of its forward passes.

    Attributes:
        config: the trial's configuration.
        data: the trial's data.
        device: ``meta`` or the CPU.
        network: the trial's.
        used: axes of the parts that the network uses.
        saved_bytes: activations that a forward pass in evaluation saves for the backward pass.
        output: logits in training, (N, K) each, the main ones first.
    """

    config: Mapping[str, Any]
    data: TrialData
    device: torch.device
    network: nn.Module
    used: frozenset[str]
    saved_bytes: int = 0
    output: tuple[Tensor, ...] = ()

    def bytes_per_image(self) -> float:
        """Return the bytes that each further image of a batch saves for the backward pass."""
        _, saved = _evaluated(self, 2 * IMAGES)
        return (saved - self.saved_bytes) / IMAGES

    @property
    def is_small(self) -> bool:
        """Whether a training step with values costs next to nothing."""
        weights = sum(p.numel() for p in self.network.parameters())
        return weights < _SMALL_WEIGHTS and self.saved_bytes < _SMALL_BYTES


def build_network(device: torch.device, config: Mapping[str, Any], data: TrialData) -> DryNetwork:
    """Build a trial's network on a device.

    Raises:
        ComponentError: a component cannot be built.
        InputError: the parts do not fit together.
    """
    with device, torch.random.fork_rng(devices=[]):
        network, used = build.network(config, data, torch.Generator("cpu"))
    return DryNetwork(config, data, device, network, used)


def forward_in_evaluation(dry: DryNetwork) -> DryNetwork:
    """Pass a batch through a network in evaluation.

    Raises:
        NotImplementedError: an operation needs values, which ``meta`` tensors do not have.
        InputError: the network breaks the contract of an architecture.
    """
    output, saved = _evaluated(dry, IMAGES)
    _check_logits((output,), dry.data.num_classes)
    return replace(dry, saved_bytes=saved)


def forward_in_training(dry: DryNetwork) -> DryNetwork:
    """Pass a batch through a network in training.

    Raises:
        NotImplementedError: an operation needs values, which ``meta`` tensors do not have.
        InputError: the network breaks the contract of an architecture.
    """
    network, data = dry.network.train(), dry.data
    with dry.device, torch.random.fork_rng(devices=[]):
        images = blank_images(data)
        with _network_faults(dry):
            output = all_logits(network(images))
        _check_logits(output, data.num_classes)
        if data.smallest_batch == num_processes(dry.config["devices"]):
            _check_one_image(network, images[:1], data)
    _check_auxiliary(network, output)
    _check_state(network)
    return replace(dry, output=output)


def _evaluated(dry: DryNetwork, count: int) -> tuple[Tensor, int]:
    """Return logits of blank images, and the bytes that are saved for a backward pass.

    No backward pass follows: under the counting hooks torch does not detect in-place writes to
    saved tensors.
    """
    network, faults = dry.network.eval(), _network_faults(dry)
    with dry.device, torch.random.fork_rng(devices=[]), count_saved(network) as saved, faults:
        output: Tensor = network(blank_images(dry.data, count))
    return output, saved.bytes


def _network_faults(dry: DryNetwork) -> AbstractContextManager[None]:
    rule = "architecture must work with its parts and data, got {error} from {name}"
    return fault_on_error(rule, dry.device, name=type(dry.network).__name__)


@contextmanager
def fault_on_error(rule: str, device: torch.device, **words: str) -> Iterator[None]:
    """Raise an error of the block as a fault.

    Args:
        rule: the fault, with ``{error}``, ``{kind}`` (its type) or further words to fill in.
        device: on ``meta`` an operation without an implementation is no fault.
        words: further words.

    Raises:
        InputError: the fault.
        NotImplementedError: on ``meta``.
    """
    try:
        yield
    except Exception as error:
        if device == META and isinstance(error, NotImplementedError):
            raise
        kind = type(error).__name__
        raise InputError(rule.format(error=format_error(error), kind=kind, **words)) from error


def blank_images(data: TrialData, count: int = IMAGES) -> Tensor:
    """Return images of zeros, (count, C, H, W)."""
    return torch.zeros(count, data.in_channels, data.image_size, data.image_size)


def _check_logits(output: tuple[Any, ...], num_classes: int, count: int = IMAGES) -> None:
    for logits in output:
        shape = tuple(getattr(logits, "shape", ()))
        if shape != (count, num_classes):
            raise InputError(
                f"architecture must return (N, {num_classes}) logits, got {shape} for N={count}"
            )


def _check_auxiliary(network: nn.Module, output: tuple[Any, ...]) -> None:
    weight = getattr(network, "auxiliary_weight", None)
    if len(output) > 1 and not isinstance(weight, int | float):
        raise InputError(
            "architecture must have a number auxiliary_weight for its auxiliary logits, "
            f"got {weight}"
        )


def _check_state(network: nn.Module) -> None:
    """Refuse a state_dict that the file of the best weights cannot store."""
    for name, value in network.state_dict().items():
        if not isinstance(value, Tensor):
            raise InputError(
                "architecture must keep tensors alone in its state_dict, got "
                f"{type(value).__name__} in {name}"
            )


def _check_one_image(network: nn.Module, image: Tensor, data: TrialData) -> None:
    """Refuse a network that cannot train on one image, such as batch norm of single values.

    Where several processes have one image each, batch norm is synchronized and sees all of them.
    """
    size = data.smallest_batch
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and size > 1]
    for norm in norms:
        norm.eval()
    try:
        output = all_logits(network(image))
    except Exception as error:
        raise InputError(
            f"{data.batch_word} must be {2 * size} or more for these parts, got {size}: "
            f"{format_error(error)}"
        ) from error
    for norm in norms:
        norm.train()
    _check_logits(output, data.num_classes, 1)
