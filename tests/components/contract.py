"""Helpers of the contract tests: find the components in conf/ and build them as in a trial."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import yaml

from ablab.folders import shipped_folder

CONTRACT = {
    "activation": {"channels"},
    "architecture": {"in_channels", "num_classes", "image_size"}
    | {"activation", "pooling", "normalization", "dropout"},
    "augmentation": {"num_classes"},
    "dropout": {"generator", "depth"},
    "initializer": {"module", "batch"},
    "loss": set[str](),
    "normalization": {"channels", "spatial_dims"},
    "optimizer": {"named_params"},
    "regularizer": {"named_params"},
    "pooling": {"channels", "kernel_size", "stride", "padding", "generator"},
    "scheduler": {"optimizer", "total_steps"},
}
# arguments that a component of ours may omit
OPTIONAL = {
    "augmentation": {"num_classes"},
    "dropout": {"depth"},
    "initializer": {"batch"},
    "pooling": {"generator"},
}
TORCH_NAMES = {"channels": ["channels", "num_parameters", "num_features"]}


def names(axis: str) -> list[str]:
    """Return the axis's components, by stem; nested folders count."""
    return sorted(path.stem for path in (shipped_folder("conf") / axis).rglob("*.yaml"))


def yaml_file(axis: str, name: str) -> Path:
    """Return the file of one component."""
    (path,) = (shipped_folder("conf") / axis).rglob(f"{name}.yaml")
    return path


def resolve(target: str) -> Any:
    """Return the object that a dotted ``_target_`` names."""
    module, _, attribute = target.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def for_torch(target: Any, contract: dict[str, Any]) -> dict[str, Any]:
    """Return the contract arguments that a torch class names, under its own names."""
    if "named_params" in contract:
        contract = {"params": [parameter for _, parameter in contract["named_params"]]}
    signature = inspect.signature(target).parameters
    return {
        alias: value
        for name, value in contract.items()
        for alias in TORCH_NAMES.get(name, [name])
        if alias in signature
    }


def build(axis: str, name: str, **arguments: Any) -> Any:
    """Return a component, given its contract; keywords beyond that override its YAML."""
    hyper = yaml.safe_load(yaml_file(axis, name).read_text())
    target_name = hyper.pop("_target_")
    target = resolve(target_name)
    contract = {key: arguments[key] for key in arguments.keys() & CONTRACT[axis]}
    hyper |= {key: arguments[key] for key in arguments.keys() - CONTRACT[axis]}
    if target_name.startswith("ablab."):
        left_out = OPTIONAL.get(axis, set()) - inspect.signature(target).parameters.keys()
        contract = {key: value for key, value in contract.items() if key not in left_out}
    else:
        contract = for_torch(target, contract)
    return target(**hyper, **contract)
