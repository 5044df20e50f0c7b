"""Plain Python attributes of a network's modules, such as a step counter that anneals a loss.

A ``state_dict`` holds parameters and buffers alone: a number that a user's ``forward`` counts up
would restart when a killed trial is resumed.
"""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

_SIMPLE = (bool, int, float, complex, str, type(None))
_TORCH_ATTRIBUTES = frozenset(nn.Module().__dict__)


class PlainState:
    """Remembers the plain attributes of a network's modules, to detect and undo changes.

    Plain values are numbers, strings, None and tensors, and lists, tuples and dicts of them. Other
    values, such as a deque, an object of a user's class or a global variable, are ignored.

    Args:
        network: its modules are inspected now and at each later call.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._initial = {name: copy.deepcopy(value) for name, value in _plain(network)}

    def changed(self) -> dict[str, dict[str, Any]]:
        """Return the changed values, by module name and attribute name."""
        changes: dict[str, dict[str, Any]] = {}
        for (name, attribute), value in _plain(self._network):
            key = name, attribute
            if key not in self._initial or not _equal(value, self._initial[key]):
                changes.setdefault(name, {})[attribute] = _detached(value)
        return changes

    def restore(self) -> None:
        """Restore the initial values, and delete new attributes."""
        modules = dict(self._network.named_modules())
        for name, attributes in self.changed().items():
            for attribute in attributes:
                if (name, attribute) in self._initial:
                    value = copy.deepcopy(self._initial[name, attribute])
                    setattr(modules[name], attribute, value)
                else:
                    delattr(modules[name], attribute)


def set_plain(network: nn.Module, values: dict[str, dict[str, Any]]) -> None:
    """Set the attributes that `PlainState.changed` returned."""
    modules = dict(network.named_modules())
    for name, attributes in values.items():
        for attribute, value in attributes.items():
            setattr(modules[name], attribute, value)


def _plain(network: nn.Module) -> Iterator[tuple[tuple[str, str], Any]]:
    for name, module in network.named_modules():
        for attribute, value in vars(module).items():
            if attribute not in _TORCH_ATTRIBUTES and _is_plain(value):
                yield (name, attribute), value


def _is_plain(value: Any) -> bool:
    if type(value) is dict:
        return all(_is_plain(part) for pair in value.items() for part in pair)
    if type(value) in (list, tuple):
        return all(_is_plain(part) for part in value)
    # A parameter in a list (an LSTM's ``_flat_weights``) is registered already, and not plain.
    return type(value) in _SIMPLE or (type(value) is Tensor and value.is_leaf)


def _equal(value: Any, other: Any) -> bool:
    if type(value) is not type(other):
        return False
    if isinstance(value, Tensor):
        comparable = value.shape == other.shape and value.device == other.device
        return comparable and (value.is_meta or bool((value == other).all()))
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(_equal(v, other[k]) for k, v in value.items())
    if isinstance(value, list | tuple):
        return len(value) == len(other) and all(map(_equal, value, other))
    return bool(value == other)


def _detached(value: Any) -> Any:
    with torch.no_grad():
        return copy.deepcopy(value)
