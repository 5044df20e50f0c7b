"""A classifier whose layers, loss and weight decay are replaced by their twins by hand."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import Node

from ablab.components.regularizer.regularizer import Regularizer
from ablab.faults import ConfigError
from ablab.model.by_hand import elementwise, layers, losses
from ablab.model.by_hand.function import ByHand
from ablab.model.classifier import Classifier

_ALL = (*layers.TWINS, *elementwise.TWINS, *losses.TWINS)
_TWINS: Mapping[type, type] = {twin.__bases__[-1]: twin for twin in _ALL}
# Where a builder writes which axis a module belongs to.
AXIS = "ablab_axis"
# They compute nothing: what passes is what comes, at most in another shape.
_SILENT = (nn.Identity, nn.Flatten, nn.Unflatten)
_SILENT_NODES = (
    "AccumulateGrad",
    "CloneBackward",
    "ReshapeAliasBackward",
    "UnsafeViewBackward",
    "ViewBackward",
)
# Options of torch's layers that are not written by hand, with the value that they must have.
_ONLY: Mapping[str, Any] = {
    "groups": 1,
    "padding_mode": "zeros",
    "ceil_mode": False,
    "return_indices": False,
    "divisor_override": None,
    "reduction": "mean",
    "track_running_stats": True,
}


def convert(module: Classifier, config: Mapping[str, Any]) -> None:
    """Replace each layer, the loss and the regularizer, in place; parameters stay the same.

    Args:
        module: built, on the CPU.
        config: the trial's configuration, by which a refusal names the component.

    Raises:
        ConfigError: with all that is not written by hand.
    """
    parts: dict[str, Any] = {
        name or "the network": part
        for name, part in module.network.named_modules()
        if not list(part.children()) and not isinstance(part, _SILENT)
    }
    parts |= {"the loss": module.loss}
    if type(module.regularizer) is not Regularizer and module.regularizer.penalty() is not None:
        parts |= {"the regularizer": module.regularizer}
    faults = [_fault(name, part) for name, part in parts.items()]
    if any(faults):
        axes = _axes(module.network)
        components = {name: f"{axes[name]} {config[axes[name]]['_target_']}" for name in parts}
        raise ConfigError(
            [
                f"backend must be torch for {components[name]}, got by_hand: {fault}"
                for name, fault in zip(parts, faults, strict=True)
                if fault
            ]
        )
    for part in parts.values():
        part.__class__ = _TWINS[type(part)]


def check(module: Classifier, images: torch.Tensor) -> None:
    """Pass a batch through a converted classifier and look at every gradient's origin.

    Args:
        module: converted.
        images: (N, C, H, W), any.

    Raises:
        ConfigError: a gradient of the network is torch's: something is computed between layers.
    """
    target = torch.zeros(len(images), dtype=torch.long)
    found = module.objective(module.network.train(), images, target)
    strangers = sorted(set(_strangers(found.loss.grad_fn)))
    if strangers:
        name = type(module.network).__name__
        raise ConfigError(
            [
                "backend must be torch for an architecture that computes between its layers, "
                f"got by_hand for {name} with {', '.join(strangers)}"
            ]
        )


@contextmanager
def as_torch(network: nn.Module) -> Iterator[None]:
    """Let layers by hand be torch's for the block, whose operations torch can count."""
    twins = [part for part in network.modules() if type(part) in _ALL]
    for part in twins:
        part.__class__ = type(part).__bases__[-1]
    try:
        yield
    finally:
        for part in twins:
            part.__class__ = _TWINS[type(part)]


def _fault(name: str, part: Any) -> str | None:
    kind = type(part).__name__
    if type(part) not in _TWINS:
        return f"{name}, a {kind}, is not written by hand"
    for option, only in _ONLY.items():
        value = getattr(part, option, only)
        if value != only:
            return f"{name}, a {kind}, is written by hand for {option}={only} alone, not {value}"
    return None


def _axes(network: nn.Module) -> dict[str, str]:
    """Return which axis brought each part: the nearest component that the part lies in."""
    axes = {"the loss": "loss", "the regularizer": "regularizer", "the network": "architecture"}
    for name, part in network.named_modules():
        around = axes.get(name.rpartition(".")[0], "architecture")
        axes[name] = getattr(part, AXIS, around)
    return axes


def _strangers(root: Node | None) -> Iterator[str]:
    """Yield the names of a graph's operations that are neither ours nor silent."""
    waiting, seen = [root], set[Node]()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting += [follower for follower, _ in node.next_functions]
        name = node.name().rpartition("::")[2]
        if not name.startswith((*_SILENT_NODES, f"{ByHand.__name__}Backward")):
            yield name.removesuffix("Backward0")
