"""One network for several trials that differ in their weights alone."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from ablab.components.dropout.dropout import Dropout
from ablab.model.fused.layers import (
    VECTOR,
    EachOwn,
    Features,
    FusedBatchNorm,
    FusedDropout,
    FusedLinear,
    Stateless,
)

_ACTIVATIONS = ("torch.nn.modules.activation", "ablab.components.activation")
_FEATURES = (  # `linear` has the identity as well
    "torch.nn.modules.linear",
    "torch.nn.modules.batchnorm",
    "torch.nn.modules.normalization",
    "ablab.components.dropout",
    "ablab.components.normalization",
)
_RANDOM = (_DropoutNd, nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)


class FusedNetwork(nn.Module):
    """Computes the networks of T trials on one batch of all their images.

    The weights of a trial are one row of ``weights``; the parameters and running statistics of
    its own network are views, so that it can be tested and stored at any time. A row ends with
    zeros, so that the updates of all trials are computed alike; see `VECTOR`.

    Args:
        networks: of one architecture, each with its weights, on one device.

    Attributes:
        networks: the trials' own.
        weights: (T, P), the trained parameters of each; P is a multiple of `VECTOR`.
        gradients: (T, P), filled by `gather_gradients`.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = list(networks)
        named = [dict(network.named_parameters()) for network in networks]
        self._parameters_of = [list(each.values()) for each in named]
        first = self._parameters_of[0]
        sizes = [p.numel() for p in first]
        ends = torch.tensor(sizes).cumsum(0).tolist()
        self._spans = [(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self._rest = first[0].new_zeros(len(networks), -sum(sizes) % VECTOR)
        with torch.no_grad():
            self.weights = torch.stack(
                [
                    torch.cat([*(p.reshape(-1) for p in each), rest])
                    for each, rest in zip(self._parameters_of, self._rest, strict=True)
                ]
            )
        self.gradients = torch.zeros_like(self.weights)
        for row, each in zip(self.weights, self._parameters_of, strict=True):
            for p, (start, end) in zip(each, self._spans, strict=True):
                p.data = row[start:end].view(p.shape)
        self._stacked: dict[int, Tensor] = {}  # by position among the parameters
        self._position = {id(p): number for number, p in enumerate(first)}
        self._fused: dict[int, nn.Module] = {}
        self.network = self._fuse(networks)

    def forward(self, x: Tensor) -> Any:
        """Return the logits (T * N, K), or a tuple of logits, of images (T * N, C, H, W)."""
        return self.network(x)

    def gather_gradients(self) -> None:
        """Move the gradients of a backward pass to ``gradients``.

        Raises:
            RuntimeError: a parameter has none: the optimizer of a separate trial would leave it
                out.
        """
        parts, own = [], list[tuple[int, int, int, Tensor]]()
        for number, (start, end) in enumerate(self._spans):
            each = [parameters[number].grad for parameters in self._parameters_of]
            stacked = self._stacked.get(number)
            if stacked is None:
                if any(g is None for g in each):
                    raise RuntimeError("every weight must be used in each step, got one without")
                parts.append(torch.stack([g for g in each if g is not None]).flatten(1))
            else:
                assert stacked.grad is not None
                parts.append(stacked.grad.flatten(1))
                stacked.grad = None
                own += [(t, start, end, g) for t, g in enumerate(each) if g is not None]
            for parameters in self._parameters_of:
                parameters[number].grad = None
        torch.cat([*parts, self._rest], 1, out=self.gradients)
        for t, start, end, g in own:  # of a regularizer's penalty
            self.gradients[t, start:end] += g.reshape(-1)

    def _leaf_or_none(self, parameter: Tensor | None) -> Tensor | None:
        return None if parameter is None else self._leaf(parameter)

    def _leaf(self, parameter: Tensor) -> Tensor:
        """Return the parameter of all trials, (T, ...), as a leaf that shares their memory."""
        number = self._position[id(parameter)]
        if number not in self._stacked:
            start, end = self._spans[number]
            view = self.weights[:, start:end].view(-1, *parameter.shape)
            self._stacked[number] = view.detach().requires_grad_()
        return self._stacked[number]

    def _fuse(self, layers: Sequence[nn.Module]) -> nn.Module:
        """Return one module for the corresponding modules of all networks."""
        first = layers[0]
        if id(first) not in self._fused:  # a module may be used at several places
            self._fused[id(first)] = self._fuse_new(layers)
        return self._fused[id(first)]

    def _fuse_new(self, layers: Sequence[nn.Module]) -> nn.Module:
        first = layers[0]
        if type(first) is nn.Linear:
            return Features(len(layers), [self._fuse_features(layers)], first.out_features)
        is_container = isinstance(first, nn.ModuleList | nn.ModuleDict)  # others call its modules
        if is_stateless(first) and not is_container:
            return Stateless(layers)
        has_own = first._parameters or first._buffers
        is_whole = first is self.networks[0] and _has_linear(first) and not has_own
        if is_whole or is_container:
            copy = first.__new__(type(first))
            copy.__dict__ = {**first.__dict__, "_modules": {}}
            for name, _ in first.named_children():
                copy._modules[name] = self._fuse([layer.get_submodule(name) for layer in layers])
            return copy
        if type(first) is nn.Sequential and _has_linear(first):
            return nn.Sequential(*self._fuse_sequence(layers))
        return EachOwn(layers)  # a block, which may rearrange images before a layer

    def _fuse_sequence(self, layers: Sequence[nn.Module]) -> Iterator[nn.Module]:
        """Yield the layers of a sequence, those from a linear layer on with features."""
        columns = deque[Sequence[nn.Module]](
            zip(*(layer.children() for layer in layers), strict=True)
        )
        while columns:
            if type(columns[0][0]) is nn.Linear:
                run = _take(columns, _is_of_features)
                yield Features(len(layers), [self._fuse_features(column) for column in run])
            elif _has_linear(columns[0][0]):
                yield self._fuse(columns.popleft())
            else:
                run = _take(columns, lambda layer: not _has_linear(layer))
                if all(is_stateless(column[0]) for column in run):
                    yield from (Stateless(column) for column in run)
                else:  # as one, so that the images are divided among the trials once
                    yield EachOwn([nn.Sequential(*own) for own in zip(*run, strict=True)])

    def _fuse_features(self, layers: Sequence[nn.Module]) -> nn.Module:
        """Return one layer on features (T, C, N) for a layer on (N, C) of each trial."""
        first, given = layers[0], cast(Any, layers)
        if type(first) is nn.Linear:
            return FusedLinear(self._leaf(first.weight), self._leaf_or_none(first.bias))
        if type(first) is nn.BatchNorm1d and first.momentum is not None:
            return FusedBatchNorm(
                given, self._leaf_or_none(first.weight), self._leaf_or_none(first.bias)
            )
        if isinstance(first, Dropout):
            return FusedDropout(given)
        return (Stateless if _is_elementwise(first) else EachOwn)(layers, features=True)


def is_stateless(layer: nn.Module) -> bool:
    """Return whether a layer computes each image by itself, without weights or random draws."""
    return not any(
        module._parameters
        or module._buffers
        or isinstance(module, _RANDOM)
        or hasattr(module, "generator")
        for module in layer.modules()
    )


def _is_elementwise(layer: nn.Module) -> bool:
    """Return whether a layer without weights treats (T, C, N) as it treats (N, C)."""
    is_activation = type(layer).__module__.startswith(_ACTIVATIONS) or type(layer) is nn.Identity
    return is_activation and is_stateless(layer)


def _is_of_features(layer: nn.Module) -> bool:
    """Return whether a layer keeps the shape of features (N, C), or is linear."""
    return type(layer).__module__.startswith((*_ACTIVATIONS, *_FEATURES))


def _has_linear(module: nn.Module) -> bool:
    return any(type(inner) is nn.Linear for inner in module.modules())


def _take(
    columns: deque[Sequence[nn.Module]], belongs: Callable[[nn.Module], bool]
) -> list[Sequence[nn.Module]]:
    """Remove the first columns whose layers belong together, and return them."""
    taken = []
    while columns and belongs(columns[0][0]):
        taken.append(columns.popleft())
    return taken
