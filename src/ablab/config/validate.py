"""Checks of a resolved configuration before anything is built; all faults are raised at once."""

import inspect
from collections.abc import Mapping
from typing import Any

from ablab.config.combinations import combination_faults
from ablab.config.hyperparameters import hyperparameter_faults, size_faults
from ablab.config.probe_switches import probe_faults
from ablab.config.scalars import scalar_faults
from ablab.faults import ConfigError, unknown_name
from ablab.model.frozen_layers import freeze_faults
from ablab.model.targets import COMMON_KEYS, CONTRACTS, TargetError, contract_arguments, resolve
from ablab.model.warm_start import init_from_faults
from ablab.text import format_value


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
    """Return the faults of a component's target, keys and hyper-parameters."""
    if not isinstance(node, Mapping) or "_target_" not in node:
        return [f"{axis} must be a component with a _target_, got {format_value(node)}"]
    key_faults = [
        f"{axis}.{key} must not contain a _target_, got {format_value(node[key])}"
        for key in node
        if _contains_target(node[key])
    ]
    key_faults += [
        f"{axis} must not contain keys that Hydra interprets, got {key}"
        for key in node
        if key != "_target_" and _is_hydra_key(key)
    ]
    try:
        target = resolve(axis, node["_target_"])
    except TargetError as error:
        return [f"{axis}._target_ {error}", *key_faults]
    common = COMMON_KEYS.get(axis, ())
    values = {k: v for k, v in node.items() if not _is_hydra_key(k) and k not in common}
    contract = contract_arguments(axis, target, dict.fromkeys(CONTRACTS[axis]))
    parameters = inspect.signature(target).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    names = {n for n, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    unknown = [] if takes_all else [key for key in values if key not in names]
    missing = [
        name
        for name, p in parameters.items()
        if p.default is p.empty and name in names - values.keys() - contract.keys()
    ]
    return [
        *key_faults,
        *(unknown_name(f"{axis}.{key}", names - contract.keys(), key) for key in unknown),
        *(f"{axis}.{name} must be given, got nothing" for name in missing),
        *hyperparameter_faults(axis, target, values),
    ]


def _is_hydra_key(key: object) -> bool:
    """Return whether Hydra's `instantiate` interprets a key, such as ``_partial_``."""
    return str(key).startswith("_") and str(key).endswith("_")


def _contains_target(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "_target_" in value or any(_contains_target(v) for v in value.values())
    return isinstance(value, list) and any(_contains_target(v) for v in value)
