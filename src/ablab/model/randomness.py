"""Components whose random draws depend on the number of processes of a trial."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from ablab.model.targets import resolve

# Components that see only their process's share of a batch. An augmentation sees the batch of all
# processes, and an optimizer draws from one stream in all of them.
_AXES = (
    "architecture",
    "activation",
    "pooling",
    "normalization",
    "dropout",
    "loss",
    "regularizer",
)
_RANDOM_TORCH_LAYERS: tuple[type[nn.Module], ...] = (
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
    """Return the axes of a trial whose component may draw per process in a training step.

    These are a user's components, which may draw anything, and torch's random layers. They draw
    for their process's share of a batch, from its own streams, so that the result depends on the
    number of processes. Components of ablab draw for the batch of all processes and take their
    share (see `ablab.components.batch_generator`).

    Args:
        config: a trial's complete configuration.
    """
    return [axis for axis in _AXES if _may_draw(resolve(axis, config[axis]["_target_"]))]


def _may_draw(target: Callable[..., Any]) -> bool:
    package = target.__module__.partition(".")[0]
    if package == "torch":
        return isinstance(target, type) and issubclass(target, _RANDOM_TORCH_LAYERS)
    return package != "ablab"
