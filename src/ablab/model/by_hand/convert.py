"""Replacement of a classifier's layers, loss and weight decay by versions written by hand."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import Node

from ablab.components.regularizer.regularizer import Regularizer
from ablab.faults import ConfigError
from ablab.model.builder import AXIS
from ablab.model.by_hand import elementwise, layers, losses
from ablab.model.by_hand.function import ByHand
from ablab.model.classifier import Classifier

_BY_HAND = (*layers.BY_HAND, *elementwise.BY_HAND, *losses.BY_HAND)
_REPLACEMENTS: Mapping[type, type] = {new.__bases__[-1]: new for new in _BY_HAND}
# Layers and autograd nodes that compute nothing; they change the shape at most.
_PASSIVE = (nn.Identity, nn.Flatten, nn.Unflatten)
_PASSIVE_NODES = (
    "AccumulateGrad",
    "CloneBackward",
    "ReshapeAliasBackward",
    "UnsafeViewBackward",
    "ViewBackward",
)
# Options that the versions by hand do not support, with the only value that they accept.
_FIXED_OPTIONS: Mapping[str, Any] = {
    "groups": 1,
    "padding_mode": "zeros",
    "ceil_mode": False,
    "return_indices": False,
    "divisor_override": None,
    "reduction": "mean",
    "track_running_stats": True,
}


def convert(module: Classifier, config: Mapping[str, Any]) -> None:
    """Replace each layer, the loss and the regularizer in place; the parameters are kept.

    Args:
        module: on the CPU.
        config: the trial's configuration; gives the components' names for error messages.

    Raises:
        ConfigError: with every part that has no version by hand.
    """
    parts: dict[str, Any] = {
        name or "the network": part
        for name, part in module.network.named_modules()
        if not list(part.children()) and not isinstance(part, _PASSIVE)
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
        part.__class__ = _REPLACEMENTS[type(part)]


def check(module: Classifier, images: torch.Tensor) -> None:
    """Check that torch computes no gradient of a converted classifier.

    Args:
        module: converted; passes one batch forward.
        images: (N, C, H, W), any values.

    Raises:
        ConfigError: the network computes something between its layers.
    """
    target = torch.zeros(len(images), dtype=torch.long)
    evaluation = module.objective(module.network.train(), images, target)
    unknown = sorted(set(_unknown_operations(evaluation.loss.grad_fn)))
    if unknown:
        name = type(module.network).__name__
        raise ConfigError(
            [
                "backend must be torch for an architecture that computes between its layers, "
                f"got by_hand for {name} with {', '.join(unknown)}"
            ]
        )


@contextmanager
def as_torch(network: nn.Module) -> Iterator[None]:
    """Turn layers by hand into torch's in the block, so that torch can count operations."""
    replaced = [part for part in network.modules() if type(part) in _BY_HAND]
    for part in replaced:
        part.__class__ = type(part).__bases__[-1]
    try:
        yield
    finally:
        for part in replaced:
            part.__class__ = _REPLACEMENTS[type(part)]


def _fault(name: str, part: Any) -> str | None:
    kind = type(part).__name__
    if type(part) not in _REPLACEMENTS:
        return f"{name}, a {kind}, is not written by hand"
    for option, only in _FIXED_OPTIONS.items():
        value = getattr(part, option, only)
        if value != only:
            return f"{name}, a {kind}, is written by hand only for {option}={only}, not for {value}"
    return None


def _axes(network: nn.Module) -> dict[str, str]:
    """Return the axis of each part: that of the innermost component that contains it."""
    axes = {"the loss": "loss", "the regularizer": "regularizer", "the network": "architecture"}
    for name, part in network.named_modules():
        parent = axes.get(name.rpartition(".")[0], "architecture")
        axes[name] = getattr(part, AXIS, parent)
    return axes


def _unknown_operations(root: Node | None) -> Iterator[str]:
    """Yield the names of a graph's operations that are neither by hand nor passive."""
    stack, seen = [root], set[Node]()
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        stack += [successor for successor, _ in node.next_functions]
        name = node.name().rpartition("::")[2]
        if not name.startswith((*_PASSIVE_NODES, f"{ByHand.__name__}Backward")):
            yield name.removesuffix("Backward0")
