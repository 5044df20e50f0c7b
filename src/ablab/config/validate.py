"""Everything wrong with a configuration that can be known before it is built, told at once."""

import inspect
from collections.abc import Mapping
from typing import Any

from ablab.config.combinations import combination_faults
from ablab.config.component_bounds import size_faults
from ablab.config.probe_switches import probe_faults
from ablab.config.rules import hyperparameter_faults, scalar_faults
from ablab.faults import ConfigError, one_of
from ablab.model.frozen_layers import freeze_faults
from ablab.model.targets import COMMON_KEYS, CONTRACTS, TargetError, contract_arguments, resolve
from ablab.model.warm_start import init_from_faults
from ablab.text import shown


def validate(config: Mapping[str, Any]) -> None:
    """Check each component and each value of a resolved configuration.

    Raises:
        ConfigError: with all faults.
    """
    faults = [fault for axis in CONTRACTS for fault in _component_faults(axis, config.get(axis))]
    faults += scalar_faults(config) + size_faults(config)
    faults += combination_faults(config)
    faults += probe_faults(config) + init_from_faults(config) + freeze_faults(config)
    if faults:
        raise ConfigError(faults)


def _component_faults(axis: str, node: Any) -> list[str]:
    if not isinstance(node, Mapping) or "_target_" not in node:
        return [f"{axis} must be a component with a _target_, got {shown(node)}"]
    nested = [
        f"{axis}.{key} must not hold a _target_, got {shown(node[key])}"
        for key in node
        if _nests(node[key])
    ]
    nested += [
        f"{axis} must not hold keys that steer Hydra, got {key}" for key in node if _is_hydras(key)
    ]
    try:
        target = resolve(axis, node["_target_"])
    except TargetError as error:
        return [f"{axis}._target_ {error}", *nested]
    common = COMMON_KEYS.get(axis, ())
    values = {k: v for k, v in node.items() if not _is_hydras(k, "") and k not in common}
    contract = contract_arguments(axis, target, dict.fromkeys(CONTRACTS[axis]))
    parameters = inspect.signature(target).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    choices = {n for n, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    unknown = [] if takes_all else [key for key in values if key not in choices]
    missing = [
        name
        for name, p in parameters.items()
        if p.default is p.empty and name in choices - values.keys() - contract.keys()
    ]
    return [
        *nested,
        *(one_of(f"{axis}.{key}", choices - contract.keys(), key) for key in unknown),
        *(f"{axis}.{name} must be given, got nothing" for name in missing),
        *hyperparameter_faults(axis, target, values),
    ]


def _is_hydras(key: str, own: str = "_target_") -> bool:
    """Tell whether a key steers Hydra, the one that every component has left out."""
    return key != own and str(key).startswith("_") and str(key).endswith("_")


def _nests(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "_target_" in value or any(_nests(v) for v in value.values())
    return isinstance(value, list) and any(_nests(v) for v in value)
