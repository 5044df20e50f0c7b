"""A network that a batch passes without values: what would fail in training fails here."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ablab.config.memory import saved_by
from ablab.config.preflight import num_processes
from ablab.data.trial_data import TrialData
from ablab.errors import InputError
from ablab.faults import worded
from ablab.model import build
from ablab.model.objective import all_logits

META, CPU = torch.device("meta"), torch.device("cpu")
IMAGES = 2
# A step of so little takes no longer with values than without.
_SMALL_WEIGHTS, _SMALL_BYTES = 1_000_000, 50_000_000


@dataclass(frozen=True)
class Passed:
    """A network that a batch has passed.

    Attributes:
        config: the trial's configuration that it was built from.
        data: the trial's data.
        device: where it is built: ``meta`` has shapes and no values.
        network: built.
        used: the parts that it uses.
        kept: the bytes that a pass in evaluation keeps for a backward pass.
        output: its logits in training, (N, K) each, the main ones first.
    """

    config: Mapping[str, Any]
    data: TrialData
    device: torch.device
    network: nn.Module
    used: frozenset[str]
    kept: int = 0
    output: tuple[Tensor, ...] = ()

    def bytes_per_image(self) -> float:
        """Return what each further image of a batch keeps for the backward pass."""
        _, kept = _evaluated(self, 2 * IMAGES)
        return (kept - self.kept) / IMAGES

    @property
    def is_small(self) -> bool:
        """Tell whether a step of it takes next to nothing."""
        weights = sum(p.numel() for p in self.network.parameters())
        return weights < _SMALL_WEIGHTS and self.kept < _SMALL_BYTES


def build_dry(device: torch.device, config: Mapping[str, Any], data: TrialData) -> Passed:
    """Build a trial's network.

    Raises:
        ComponentError: a component cannot be built.
        InputError: the parts cannot be one network.
    """
    with device, torch.random.fork_rng(devices=[]):
        network, used = build.network(config, data, torch.Generator("cpu"))
    return Passed(config, data, device, network, used)


def evaluate(built: Passed) -> Passed:
    """Take a batch through a network as it is tested.

    Raises:
        NotImplementedError: it needs values, which ``meta`` has not.
        InputError: the network does not do what an architecture does.
    """
    output, kept = _evaluated(built, IMAGES)
    _check_logits((output,), built.data.num_classes)
    return replace(built, kept=kept)


def train(built: Passed) -> Passed:
    """Take a batch through a network as it is trained.

    Raises:
        NotImplementedError: it needs values, which ``meta`` has not.
        InputError: the network does not do what an architecture does.
    """
    network, data = built.network.train(), built.data
    with built.device, torch.random.fork_rng(devices=[]):
        images = blank(data, IMAGES)
        with _blaming_network(built):
            output = all_logits(network(images))
        _check_logits(output, data.num_classes)
        if data.smallest_batch == num_processes(built.config["devices"]):
            _check_alone(network, images[:1], data)
    _check_auxiliary(network, output)
    _check_state(network)
    return replace(built, output=output)


def _evaluated(built: Passed, count: int) -> tuple[Tensor, int]:
    """Return logits of blank images, and the bytes that are kept for a backward pass.

    None is taken: while what is kept is looked at, torch misses writes into it.
    """
    network, blame = built.network.eval(), _blaming_network(built)
    with built.device, torch.random.fork_rng(devices=[]), saved_by(network) as saved, blame:
        output: Tensor = network(blank(built.data, count))
    return output, saved.bytes


def _blaming_network(built: Passed) -> AbstractContextManager[None]:
    rule = "architecture must work with its parts and data, got {error} from {name}"
    return blaming(rule, built.device, name=type(built.network).__name__)


@contextmanager
def blaming(rule: str, device: torch.device, **words: str) -> Iterator[None]:
    """Turn what goes wrong in the block into a fault.

    Args:
        rule: the fault, with ``{error}`` and further words to fill in.
        device: on ``meta`` an operation that is not there without values is no fault.
        words: further words.
    """
    try:
        yield
    except Exception as error:
        if device == META and isinstance(error, NotImplementedError):
            raise
        raise InputError(rule.format(error=worded(error), **words)) from error


def blank(data: TrialData, count: int = IMAGES) -> Tensor:
    """Return images without anything on them, (count, C, H, W)."""
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
    """Refuse what the best weights' file cannot hold."""
    for name, value in network.state_dict().items():
        if not isinstance(value, Tensor):
            raise InputError(
                "architecture must keep tensors alone in its state_dict, got "
                f"{type(value).__name__} in {name}"
            )


def _check_alone(network: nn.Module, image: Tensor, data: TrialData) -> None:
    """Refuse a network that cannot train on one image: batch norm of single values cannot.

    Where several processes have one image each, batch norm sees them all.
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
            f"{worded(error)}"
        ) from error
    for norm in norms:
        norm.train()
    _check_logits(output, data.num_classes, 1)
