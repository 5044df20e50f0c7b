"""``freeze``: parameters that stay as they are while the others train."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import pytorch_lightning as pl
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from ablab.errors import InputError

Patterns = str | Sequence[str] | None


def freeze_faults(config: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with ``freeze``, the network aside."""
    value = config.get("freeze")
    if value is None:
        return []
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        return [f"freeze must be a pattern of names, a list of such, or null, got {value!r}"]
    if config.get("backend") == "by_hand":
        return [f"freeze must be null for backend=by_hand, got {value}"]
    return []


def freeze_parameters(network: nn.Module, patterns: Patterns) -> None:
    """Let parameters take no gradient.

    Args:
        network: whose.
        patterns: what the shell calls globs, of names of parameters (``*.bias``) or of layers,
            with all that is in them (``features``, ``stage?``); None freezes nothing.

    Raises:
        InputError: a pattern names no parameter, or nothing would be left to train.
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
    """Return the parameters that take gradients, each with its name."""
    return [(name, p) for name, p in network.named_parameters() if p.requires_grad]


class FrozenStatistics(pl.Callback):
    """Keeps the norms of frozen layers in evaluation mode: their statistics stay, and are used.

    Args:
        patterns: as `freeze_parameters` takes them.
    """

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Put them into evaluation mode; validation puts each module back to the mode it had."""
        network = module.network
        assert isinstance(network, nn.Module)
        for norm in frozen_norms(network, self._patterns):
            norm.eval()


def frozen_norms(network: nn.Module, patterns: Patterns) -> Iterator[nn.Module]:
    """Yield the norms with running statistics that are frozen by name, or all of whose weights are.

    Args:
        network: whose parameters are frozen already.
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
    """Tell whether a pattern names a parameter or module, or one that it lies in."""
    parts = name.split(".")
    return any(fnmatchcase(".".join(parts[: n + 1]), pattern) for n in range(len(parts)))
