"""Which components may draw at random what the processes of a trial cannot draw as one."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from ablab.model.targets import resolve

# Those that take part in a training step on a process's own share of the batch. An augmentation
# sees the batch of all processes, and an optimizer draws from one stream in all of them.
_AXES = (
    "architecture",
    "activation",
    "pooling",
    "normalization",
    "dropout",
    "loss",
    "regularizer",
)
_TORCHS_RANDOM: tuple[type[nn.Module], ...] = (
    _DropoutNd,
    nn.RReLU,
    nn.FractionalMaxPool2d,
    nn.FractionalMaxPool3d,
    nn.MultiheadAttention,
    nn.Transformer,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
    nn.RNNBase,
)


def own_randomness(config: Mapping[str, Any]) -> list[str]:
    """Return the axes of a trial whose component may draw for itself in a training step.

    That is a user's own component, of which it cannot be known, and those of torch's layers that
    draw: they draw for their process's share of a batch, and from its own streams, so that two
    processes train another trial than one. Ours draw for the batch of all processes (see
    `ablab.components.batch_generator`) and take their share.

    Args:
        config: a trial's configuration, each axis in it.
    """
    return [axis for axis in _AXES if _draws(resolve(axis, config[axis]["_target_"]))]


def _draws(target: Callable[..., Any]) -> bool:
    package = target.__module__.partition(".")[0]
    if package == "torch":
        return isinstance(target, type) and issubclass(target, _TORCHS_RANDOM)
    return package != "ablab"
