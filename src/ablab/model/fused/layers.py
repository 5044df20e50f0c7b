"""Layers of T trials as one layer, for features (T, C, N) of T trials with N images each.

Trials come first, images last: a product of all trials is one ``torch.baddbmm``, and a batch
normalization is one over T * C channels, without a copy in between. For a layer that is not
written for several trials, a trial is an item of a batch and its images are a length: what is
computed value by value, or over channels, is the same.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablab.components.dropout.dropout import Dropout

# On a CPU, torch computes a tensor by vectors of up to 32 numbers, and those that are left over by
# other code, whose results may differ in the last bit. If each trial has a multiple of 64 numbers,
# none is left over, so that its results do not depend on its position among the others. Two threads
# divide the weights of all trials at such a place too; layers are then computed trial by trial.
VECTOR = 64


class FusedLinear(nn.Module):
    """The linear layers of T trials.

    Args:
        weight: (T, outputs, inputs), a leaf.
        bias: (T, outputs), a leaf; None without bias.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        """Return (T, outputs, N) of (T, inputs, N)."""
        if self.bias is None:
            return torch.bmm(self.weight, x)
        return torch.baddbmm(self.bias[:, :, None], self.weight, x)


class FusedBatchNorm(nn.Module):
    """The batch normalizations of T trials, whose layers get views of the running statistics.

    Args:
        layers: of each trial, with momentum.
        weight: (T, C), a leaf; None without affine parameters.
        bias: likewise.
    """

    def __init__(
        self, layers: Sequence[nn.BatchNorm1d], weight: Tensor | None, bias: Tensor | None
    ) -> None:
        super().__init__()
        assert layers[0].momentum is not None
        self.momentum, self.eps = layers[0].momentum, layers[0].eps
        self.weight, self.bias = weight, bias
        mean, var, batches = (
            torch.stack([layer.get_buffer(name) for layer in layers])
            for name in ("running_mean", "running_var", "num_batches_tracked")
        )
        self.mean, self.var, self.batches = mean, var, batches
        for t, layer in enumerate(layers):
            layer.running_mean, layer.running_var = mean[t], var[t]
            layer.num_batches_tracked = batches[t]

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of ``x``, (T, C, N)."""
        if self.training:
            self.batches += 1
        y = F.batch_norm(
            x.reshape(1, -1, x.shape[2]),
            self.mean.view(-1),
            self.var.view(-1),
            None if self.weight is None else self.weight.reshape(-1),
            None if self.bias is None else self.bias.reshape(-1),
            self.training,
            self.momentum,
            self.eps,
        )
        return y.view(x.shape)


class FusedDropout(nn.Module):
    """The dropouts of T trials, each with masks from its own generator.

    Args:
        layers: of each trial; their rates may differ.
    """

    def __init__(self, layers: Sequence[Dropout]) -> None:
        super().__init__()
        self.layers = list(layers)  # a list: they are modules of the trials' own networks

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of ``x``, (T, C, N)."""
        if not self.training or not any(layer.p for layer in self.layers):
            return x
        masks = [self._mask(layer, own.t()) for layer, own in zip(self.layers, x, strict=True)]
        return x * torch.stack(masks).transpose(1, 2)

    @staticmethod
    def _mask(layer: Dropout, x: Tensor) -> Tensor:
        """Return the factors (N, C) of one trial: 0, or what kept values are multiplied by."""
        if not layer.p:
            return torch.ones_like(x, memory_format=torch.contiguous_format)
        return layer.mask(x).to(x.device, x.dtype).div_(1 - layer.p)


class EachOwn(nn.Module):
    """Layers that have no version for several trials: each trial's own computes its images.

    On a CPU this is faster than ``torch.func.vmap`` and than grouped convolutions: vmap trains
    LeNet-5 at 0.73 times the speed of separate networks.

    Args:
        layers: of each trial; the parameters are theirs.
        features: whether it is passed features (T, C, N), not all images as one batch.
    """

    def __init__(self, layers: Sequence[nn.Module], *, features: bool = False) -> None:
        super().__init__()
        self.layers = list(layers)  # a list: they are modules of the trials' own networks
        self._features = features

    def train(self, mode: bool = True) -> "EachOwn":
        """Set the mode of each trial's layer."""
        for layer in self.layers:
            layer.train(mode)
        super().train(mode)
        return self

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the outputs: features (T, C, N), or those of all images (T * N, ...)."""
        if self._features:
            pairs = zip(self.layers, x, strict=True)
            return torch.stack([layer(own.t()).t() for layer, own in pairs])
        outputs = [
            layer(own) for layer, own in zip(self.layers, x.chunk(len(self.layers)), strict=True)
        ]
        if isinstance(outputs[0], tuple):
            return tuple(map(torch.cat, zip(*outputs, strict=True)))
        return torch.cat(outputs)


class Stateless(EachOwn):
    """Layers that compute each image by itself, without weights: as one where that is exact.

    Args:
        layers: of each trial; see `VECTOR` for when each computes its own images.
        features: as in `EachOwn`.
    """

    def forward(self, *inputs: Any) -> Any:
        """Return the outputs of features (T, C, N), or of all images (T * N, ...)."""
        if len(inputs) == 1 and isinstance(inputs[0], Tensor) and self._is_divided(inputs[0]):
            return super().forward(inputs[0])
        return self.layers[0](*inputs)

    def _is_divided(self, x: Tensor) -> bool:
        size = x.numel() // len(self.layers)
        return x.is_cpu and (size % VECTOR != 0 or torch.get_num_threads() > 1)


class Features(nn.Module):
    """Layers on features (T, C, N), between layers on all images as one batch (T * N, ..., C).

    Args:
        trials: T.
        layers: passed in turn.
        out_features: as of a linear layer, which an architecture may read.
    """

    def __init__(
        self, trials: int, layers: Sequence[nn.Module], out_features: int | None = None
    ) -> None:
        super().__init__()
        self._trials, self.out_features = trials, out_features
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return (T * N, ..., outputs) of (T * N, ..., inputs), trial by trial."""
        features = x.reshape(self._trials, -1, x.shape[-1]).transpose(1, 2)
        y: Tensor = self.layers(features)
        return y.transpose(1, 2).reshape(*x.shape[:-1], -1)
