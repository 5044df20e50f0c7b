"""Resolution of a ``_target_``, and the contracts that say what each axis is called with."""

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ablab.errors import InputError
from ablab.text import format_value

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
# The axes that an architecture builds its layers from; a network need not use all of them.
PARTS = ("activation", "pooling", "normalization", "dropout")
# Keys of each YAML of a group that ablab itself reads, and does not pass to the target.
COMMON_KEYS: Mapping[str, tuple[str, ...]] = {
    "launcher": ("threads", "retries", "time_limit", "start_limit", "max_failures", "fuse")
}
# Groups whose targets are not in ablab.components.<axis>.
_PACKAGES: Mapping[str, str] = {"launcher": "ablab.sweep.launch"}
# By name: a command that only reads names does not wait for torch.
_BASES: Mapping[str, str] = {
    **dict.fromkeys(("architecture", *PARTS, "loss"), "torch.nn.Module"),
    "optimizer": "torch.optim.Optimizer",
    "scheduler": "torch.optim.lr_scheduler.LRScheduler",
}
# Classes that ablab 0.1 spelled otherwise. Its records, and a user's YAML, may name them so; a key
# is computed with the former name, so that finished trials stay valid.
_RENAMED: Mapping[str, str] = {
    f"ablab.components.{module}.{former}": f"ablab.components.{module}.{name}"
    for module, former, name in (
        ("architecture.cnn", "Cnn", "CNN"),
        ("architecture.cnn1d", "Cnn1d", "CNN1d"),
        ("architecture.convnext", "ConvNext", "ConvNeXt"),
        ("architecture.mlp", "Mlp", "MLP"),
        ("architecture.narx", "Narx", "NARX"),
        ("architecture.tdnn", "Tdnn", "TDNN"),
        ("architecture.vgg", "Vgg", "VGG"),
        ("augmentation.cutmix", "Cutmix", "CutMix"),
        ("loss.kl", "Kl", "KL"),
        ("loss.mae", "Mae", "MAE"),
        ("loss.mape", "Mape", "MAPE"),
        ("loss.mse", "Mse", "MSE"),
        ("loss.msle", "Msle", "MSLE"),
        ("loss.rmse", "Rmse", "RMSE"),
        ("optimizer.lbfgs", "Lbfgs", "LBFGS"),
    )
}
_FORMER = {name: former for former, name in _RENAMED.items()}
# Torch's names for arguments that the contracts call otherwise.
_TORCH_NAMES = {"channels": ("num_parameters", "num_features"), "named_params": ("params",)}


class TargetError(InputError):
    """A target that is no component of its axis; the message has the rule and the value."""


def allowed_prefixes() -> tuple[str, ...]:
    """Return the module prefixes in the comma-separated list ``ABLAB_ALLOW``."""
    names = os.environ.get("ABLAB_ALLOW", "").split(",")
    return tuple(name.strip().rstrip(".") for name in names if name.strip())


def is_allowed(axis: str, target: str) -> bool:
    """Return whether a target's name lies where components of an axis may; it is not imported."""
    own = _PACKAGES.get(axis, f"ablab.components.{axis}")
    trusted = (own, *allowed_prefixes(), *(("torch",) if axis in _BASES else ()))
    return any(_is_inside(target, prefix) for prefix in trusted)


def resolve(axis: str, target: Any) -> Callable[..., Any]:
    """Return the class or function that a component's ``_target_`` names.

    The module that defines the object must be allowed, not only the module that imports it: 88
    modules, ``os`` and ``importlib`` among them, are reachable through the imports of torch.nn.

    Raises:
        TargetError: it is no component of this axis, or does not exist.
    """
    if not isinstance(target, str) or not target.strip():
        raise TargetError(
            f"must be the dotted name of a class or function, got {format_value(target)}"
        )
    target = current_name(target)
    own = _PACKAGES.get(axis, f"ablab.components.{axis}")
    trusted = (own, *allowed_prefixes())
    component: Callable[..., Any]
    if _is_inside(target, "torch") and axis in _BASES:
        component = _find(target)
        base = _find(_BASES[axis])
        if not _is_torch_component(component, base):
            raise TargetError(f"must be a torch {base.__name__} class, got {target}")
    elif any(_is_inside(target, prefix) for prefix in trusted):
        component = _find(target)
        if not _is_defined_inside(component, trusted):
            modules = " or ".join(trusted)
            raise TargetError(f"must be a public class or function of {modules}, got {target}")
    else:
        torch_hint = "in torch, " if axis in _BASES else ""
        raise TargetError(
            f"must lie in {own}, {torch_hint}or in a module that ABLAB_ALLOW names, got {target}"
        )
    return component


def current_name(target: Any) -> Any:
    """Return the target that has replaced one of ablab 0.1; any other value unchanged."""
    return _RENAMED.get(target, target) if isinstance(target, str) else target


def name_in_key(target: Any) -> Any:
    """Return a target as ablab 0.1 spelled it, which is how the key of a trial has it."""
    return _FORMER.get(target, target) if isinstance(target, str) else target


def contract_arguments(
    axis: str, target: Callable[..., Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the contract's arguments that a target's signature names.

    Args:
        axis: the contract's axis.
        target: a class or function.
        given: the arguments, by the contract's names.

    Returns:
        Argument values by the target's names. A ``**kwargs`` takes all of them, but for torch's
        classes and those that only inherit ``nn.Module.__init__``.
    """
    names = inspect.signature(target).parameters
    is_variadic = any(p.kind is p.VAR_KEYWORD for p in names.values())
    takes_all = is_variadic and not _is_torch(target) and not _inherits_init(target)
    accepted = {}
    for name, value in given.items():
        for word in (name, *_TORCH_NAMES.get(name, ())):
            if word in names or (takes_all and word == name):
                accepted[word] = value
                break
    return accepted


def dotted_name(target: Callable[..., Any]) -> str:
    """Return the dotted name under which a target is defined."""
    return f"{target.__module__}.{target.__qualname__}"


def _find(target: str) -> Any:
    """Import the longest prefix that is a module, and get the rest as attributes."""
    if not _is_inside(target, "torch") and not _is_inside(target, "ablab"):
        _add_working_folder_to_path()
    parts = target.split(".")
    for depth in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:depth])
        try:
            value: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not _is_inside(name, error.name):
                raise TargetError(f"must be importable, got {target}: {error}") from error
            continue
        except Exception as error:
            raise TargetError(f"must be importable, got {target}: {error!r}") from error
        for part in parts[depth:]:
            if not hasattr(value, part):
                raise TargetError(f"must exist, got {target}: {name} has no {part}")
            value = getattr(value, part)
        return value
    raise TargetError(f"must exist, got {target}")


def _add_working_folder_to_path() -> None:
    """Make ``./mine.py`` importable: a console script lacks the working folder on its path."""
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _is_torch_component(target: Any, base: type) -> bool:
    return isinstance(target, type) and issubclass(target, base) and _is_public(target, ("torch",))


def _is_defined_inside(target: Any, prefixes: tuple[str, ...]) -> bool:
    return (inspect.isclass(target) or inspect.isfunction(target)) and _is_public(target, prefixes)


def _is_public(target: Any, prefixes: tuple[str, ...]) -> bool:
    """Return whether a module inside ``prefixes`` defines it at top level, by a public name."""
    name, module = target.__qualname__, target.__module__
    if name.startswith("_") or getattr(sys.modules.get(module), name, None) is not target:
        return False
    return any(_is_inside(module, prefix) for prefix in prefixes)


def _inherits_init(target: Callable[..., Any]) -> bool:
    """Return whether a class has no constructor but that of ``nn.Module``."""
    from torch import nn

    return getattr(target, "__init__", None) is nn.Module.__init__


def _is_torch(target: Callable[..., Any]) -> bool:
    return _is_inside(target.__module__, "torch")


def _is_inside(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")
