"""``freeze``: parameters and layers that are not trained."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from ablab.errors import InputError
from ablab.lightning import pl

Patterns = str | Sequence[str] | None


def freeze_parameters(network: nn.Module, patterns: Patterns) -> None:
    """Disable the gradients of parameters.

    Args:
        network: changed in place.
        patterns: shell-style wildcards for names of parameters (``*.bias``) or of layers, which
            include all of their parameters (``features``, ``stage?``); None freezes nothing.

    Raises:
        InputError: a pattern matches no parameter, or nothing is left to train.
    """
    parameters = dict(network.named_parameters())
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise InputError("architecture must have weights to train, got none")
    for pattern in _listed(patterns):
        names = [name for name in parameters if _matches(name, pattern)]
        if not names:
            layers = ", ".join(dict.fromkeys(name.rpartition(".")[0] for name in parameters))
            raise InputError(
                f"freeze must match parameters or layers of the network ({layers}), got {pattern}"
            )
        for name in names:
            parameters[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise InputError(f"freeze must leave something to train, got {patterns}")


def trained_parameters(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """Return the names and parameters that require gradients."""
    return [(name, p) for name, p in network.named_parameters() if p.requires_grad]


class FrozenStatistics(pl.Callback):
    """Keeps frozen normalization layers in evaluation mode, so that they use running statistics.

    Args:
        patterns: as `freeze_parameters` takes them.
    """

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Set them to evaluation mode, which Lightning restores after validation."""
        network = module.network
        assert isinstance(network, nn.Module)
        for norm in frozen_norms(network, self._patterns):
            norm.eval()


def frozen_norms(network: nn.Module, patterns: Patterns) -> Iterator[nn.Module]:
    """Yield the norms with running statistics whose name matches, or whose weights are all frozen.

    Args:
        network: its parameters are already frozen.
        patterns: as `freeze_parameters` takes them.
    """
    for name, module in network.named_modules():
        if isinstance(module, _NormBase):
            own: list[Tensor] = list(module.parameters(recurse=False))
            is_named = any(_matches(name, pattern) for pattern in _listed(patterns))
            if is_named or (own and not any(p.requires_grad for p in own)):
                yield module


def _listed(patterns: Patterns) -> Sequence[str]:
    return [patterns] if isinstance(patterns, str) else patterns or []


def _matches(name: str, pattern: str) -> bool:
    """Return whether a pattern matches a parameter or module, or a module that contains it."""
    parts = name.split(".")
    return any(fnmatchcase(".".join(parts[: n + 1]), pattern) for n in range(len(parts)))
