"""What a ``_target_`` may name, and what its builder is called with."""

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ablab.errors import InputError
from ablab.text import shown

CONTRACTS: dict[str, tuple[str, ...]] = {
    "dataset": (),
    "augmentation": ("num_classes",),
    "architecture": (
        "in_channels",
        "num_classes",
        "image_size",
        "activation",
        "pooling",
        "normalization",
        "dropout",
    ),
    "activation": ("channels",),
    "pooling": ("channels", "kernel_size", "stride", "padding", "generator"),
    "normalization": ("channels", "spatial_dims"),
    "dropout": ("generator", "depth"),
    "initializer": ("module", "batch"),
    "loss": (),
    "regularizer": ("named_params",),
    "optimizer": ("named_params",),
    "scheduler": ("optimizer", "total_steps"),
    "launcher": ("devices", "threads"),
}
# Keys that ablab itself reads: each YAML of the group has them, and no target is given them.
COMMON_KEYS: Mapping[str, tuple[str, ...]] = {"launcher": ("threads", "retries")}
# Groups whose targets lie elsewhere than in ablab.components.<axis>.
_PACKAGES: Mapping[str, str] = {"launcher": "ablab.sweep.launch"}
_BASES: dict[str, type] = {
    **dict.fromkeys(
        ("architecture", "activation", "pooling", "normalization", "dropout", "loss"), nn.Module
    ),
    "optimizer": Optimizer,
    "scheduler": LRScheduler,
}
# Torch's words for what the contracts call otherwise.
_TORCH_WORDS = {"channels": ("num_parameters", "num_features"), "named_params": ("params",)}


class TargetError(InputError):
    """A target that is no component of its axis; the message is the rule and the value."""


def allowed_prefixes() -> tuple[str, ...]:
    """Return the further module prefixes that ``ABLAB_ALLOW`` names, comma-separated."""
    names = os.environ.get("ABLAB_ALLOW", "").split(",")
    return tuple(name.strip().rstrip(".") for name in names if name.strip())


def resolve(axis: str, target: Any) -> Callable[..., Any]:
    """Return the class or function that a component's ``_target_`` names.

    It is judged by where it is itself defined: a module reached through another's imports, or
    a class that is none of the axis's, is refused.

    Raises:
        TargetError: it is no component of this axis, or does not exist.
    """
    if not isinstance(target, str) or not target.strip():
        raise TargetError(f"must be the dotted name of a class or function, got {shown(target)}")
    own = _PACKAGES.get(axis, f"ablab.components.{axis}")
    trusted = (own, *allowed_prefixes())
    found: Callable[..., Any]
    if _below(target, "torch") and axis in _BASES:
        found = _find(target)
        if not _is_torch_component(found, _BASES[axis]):
            raise TargetError(f"must be a torch {_BASES[axis].__name__} class, got {target}")
    elif any(_below(target, prefix) for prefix in trusted):
        found = _find(target)
        if not _is_defined_below(found, trusted):
            places = " or ".join(trusted)
            raise TargetError(f"must be a public class or function of {places}, got {target}")
    else:
        torchs = "in torch, " if axis in _BASES else ""
        raise TargetError(
            f"must lie in {own}, {torchs}or in a module that ABLAB_ALLOW names, got {target}"
        )
    return found


def contract_arguments(
    axis: str, target: Callable[..., Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return those of the contract's arguments that a target's signature names.

    Args:
        axis: whose contract it is.
        target: the class or function.
        given: the arguments by the contract's names.
    """
    names = signature(target).parameters
    own = not _is_torch(target) and getattr(target, "__init__", None) is not nn.Module.__init__
    everything = own and any(p.kind is p.VAR_KEYWORD for p in names.values())
    chosen = {}
    for name, value in given.items():
        for word in (name, *_TORCH_WORDS.get(name, ())):
            if word in names or (everything and word == name):
                chosen[word] = value
                break
    return chosen


def passed_on(target: Callable[..., Any], chosen: Mapping[str, Any]) -> str:
    """Return what to know where a target does not take what its ``**kwargs`` were given.

    Args:
        target: the class or function.
        chosen: the contract's arguments that it was called with.

    Returns:
        The end of a sentence, empty where the target has no ``**kwargs``.
    """
    parameters = signature(target).parameters
    words = [name for name, p in parameters.items() if p.kind is p.VAR_KEYWORD]
    given = [name for name in chosen if name not in parameters]
    if not words or not given:
        return ""
    return (
        f"; {canonical(target)} has **{words[0]}, so it was called with {', '.join(given)}: "
        f"name in its signature, in place of **{words[0]}, those that it needs"
    )


def signature(target: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a class's constructor or of a function."""
    return inspect.signature(target)


def canonical(target: Callable[..., Any]) -> str:
    """Return the name of the place where a target is defined."""
    return f"{target.__module__}.{target.__qualname__}"


def _find(target: str) -> Any:
    """Import as much of a dotted name as is a module, and walk down the rest."""
    if not _below(target, "torch") and not _below(target, "ablab"):
        _see_working_folder()
    parts = target.split(".")
    for depth in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:depth])
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not _below(name, error.name):
                raise TargetError(f"must import, got {target}: {error}") from error
            continue
        except Exception as error:
            raise TargetError(f"must import, got {target}: {error!r}") from error
        for part in parts[depth:]:
            if not hasattr(found, part):
                raise TargetError(f"must exist, got {target}: {name} has no {part}")
            found = getattr(found, part)
        return found
    raise TargetError(f"must exist, got {target}")


def _see_working_folder() -> None:
    """Let ``./mine.py`` be imported: a console script does not have its folder on the path."""
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _is_torch_component(found: Any, base: type) -> bool:
    return isinstance(found, type) and issubclass(found, base) and _is_public(found, ("torch",))


def _is_defined_below(found: Any, prefixes: tuple[str, ...]) -> bool:
    return (inspect.isclass(found) or inspect.isfunction(found)) and _is_public(found, prefixes)


def _is_public(found: Any, prefixes: tuple[str, ...]) -> bool:
    """Tell whether a module below ``prefixes`` defines ``found`` at its top, by a public name."""
    name, module = found.__qualname__, found.__module__
    here = getattr(sys.modules.get(module), name, None) is found
    return here and not name.startswith("_") and any(_below(module, p) for p in prefixes)


def _is_torch(target: Callable[..., Any]) -> bool:
    return _below(target.__module__, "torch")


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")
