"""What Lightning's DDP lacks on CPU: synchronized batch norm, and gathering of arrays."""

from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ablab.lightning import pl


class _SumOverProcesses(torch.autograd.Function):
    """Sums a tensor over all processes; sums the gradients likewise."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


class _SyncedForward:
    """Normalizes by the batch statistics over all processes."""

    def __init__(self, layer: _BatchNorm) -> None:
        self.layer = layer
        self.original = layer.forward

    def __call__(self, x: Tensor) -> Tensor:
        """Return ``x`` normalized, in its shape (N, C, ...).

        Count, sum and sum of squares are all-reduced; gradients flow through the sums.
        """
        layer = self.layer
        if not layer.training:
            y: Tensor = self.original(x)
            return y
        axes = [0, *range(2, x.ndim)]
        wide = x.to(torch.promote_types(x.dtype, torch.float32))  # bfloat16 is too coarse for sums
        count = wide.new_tensor([x.numel() / x.shape[1]])
        sums = torch.cat([count, wide.sum(axes), (wide * wide).sum(axes)])
        reduced: Tensor = _SumOverProcesses.apply(sums)  # type: ignore[no-untyped-call]
        count, total, squares = torch.split(reduced, [1, x.shape[1], x.shape[1]])
        mean = total / count
        variance = (squares / count - mean * mean).clamp_min(0)
        self._update_running_statistics(mean.detach(), variance.detach(), count.detach())
        shape = [1, -1, *[1] * (x.ndim - 2)]
        y = (wide - mean.view(shape)) * (variance + layer.eps).rsqrt().view(shape)
        if layer.affine:
            y = y * layer.weight.view(shape) + layer.bias.view(shape)
        return y.to(x.dtype)

    def _update_running_statistics(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        layer = self.layer
        if layer.running_mean is None or layer.running_var is None:
            return
        assert layer.num_batches_tracked is not None
        layer.num_batches_tracked.add_(1)
        share = layer.momentum
        weight = 1.0 / float(layer.num_batches_tracked) if share is None else share
        layer.running_mean.lerp_(mean, weight)
        layer.running_var.lerp_(variance * count / (count - 1), weight)


class CpuBatchNormSync(pl.plugins.LayerSync):
    """Synchronizes batch norm on CPU, where torch's SyncBatchNorm raises (it needs a GPU)."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Synchronize every batch norm of ``model``, in place."""
        for layer in _batch_norms(model):
            object.__setattr__(layer, "forward", _SyncedForward(layer))
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Undo `apply`."""
        for layer in _batch_norms(model):
            layer.__dict__.pop("forward", None)
        return model


def gather(share: Tensor) -> NDArray[Any]:
    """Return the concatenated shares of all processes, in the order of their ranks.

    Args:
        share: on the CPU; all dimensions but the first are the same in all processes.
    """
    if not dist.is_initialized():
        return share.numpy()
    shares: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(shares, share.numpy())
    return np.concatenate(shares)


def _batch_norms(model: nn.Module) -> list[_BatchNorm]:
    return [m for m in model.modules() if isinstance(m, _BatchNorm)]
