"""Plain Python attributes of a network's modules, such as a counter of steps that anneals a loss.

torch keeps parameters and buffers; a number that a user's ``forward`` counts up is in no
``state_dict``, and would begin anew when a killed trial goes on.
"""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

_SIMPLE = (bool, int, float, complex, str, type(None))
_TORCHS = frozenset(nn.Module().__dict__)


class PlainState:
    """The plain attributes of a network's modules, as they are when this is made.

    Plain are numbers, strings, None and tensors, and lists, tuples and dicts of such. Of anything
    else, such as a deque, an object of a user's class or a global of their module, nothing is
    known.

    Args:
        network: whose modules are looked at.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._first = {at: copy.deepcopy(value) for at, value in _plain(network)}

    def changed(self) -> dict[str, dict[str, Any]]:
        """Return what is other than it was, by the module's name and the attribute's."""
        found: dict[str, dict[str, Any]] = {}
        for (name, attribute), value in _plain(self._network):
            at = name, attribute
            if at not in self._first or not _same(value, self._first[at]):
                found.setdefault(name, {})[attribute] = _detached(value)
        return found

    def restore(self) -> None:
        """Put back what has changed."""
        modules = dict(self._network.named_modules())
        for name, attributes in self.changed().items():
            for attribute in attributes:
                if (name, attribute) in self._first:
                    value = copy.deepcopy(self._first[name, attribute])
                    setattr(modules[name], attribute, value)
                else:
                    delattr(modules[name], attribute)


def set_plain(network: nn.Module, values: dict[str, dict[str, Any]]) -> None:
    """Set attributes that `PlainState.changed` returned, where the modules are there."""
    modules = dict(network.named_modules())
    for name, attributes in values.items():
        for attribute, value in attributes.items():
            setattr(modules[name], attribute, value)


def _plain(network: nn.Module) -> Iterator[tuple[tuple[str, str], Any]]:
    for name, module in network.named_modules():
        for attribute, value in vars(module).items():
            if attribute not in _TORCHS and _is_plain(value):
                yield (name, attribute), value


def _is_plain(value: Any) -> bool:
    if type(value) is dict:
        return all(_is_plain(part) for pair in value.items() for part in pair)
    if type(value) in (list, tuple):
        return all(_is_plain(part) for part in value)
    # A parameter here is a layer's own list of what it has registered, such as an LSTM's.
    return type(value) in _SIMPLE or (type(value) is Tensor and value.is_leaf)


def _same(value: Any, other: Any) -> bool:
    if type(value) is not type(other):
        return False
    if isinstance(value, Tensor):
        alike = value.shape == other.shape and value.device == other.device
        return alike and (value.is_meta or bool((value == other).all()))
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(_same(v, other[k]) for k, v in value.items())
    if isinstance(value, list | tuple):
        return len(value) == len(other) and all(map(_same, value, other))
    return bool(value == other)


def _detached(value: Any) -> Any:
    with torch.no_grad():
        return copy.deepcopy(value)
