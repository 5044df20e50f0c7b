"""Checks of a resolved configuration before anything is built; all faults are raised at once."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from ablab.config.combinations import combination_faults
from ablab.config.hyperparameters import hyperparameter_faults, named_faults, size_faults
from ablab.config.probe_switches import probe_faults
from ablab.config.scalars import freeze_faults, scalar_faults
from ablab.faults import ConfigError, unknown_name
from ablab.model.targets import (
    COMMON_KEYS,
    CONTRACTS,
    TargetError,
    contract_arguments,
    current_name,
    resolve,
)
from ablab.model.warm_start import init_from_faults
from ablab.text import format_value


def validate(config: Mapping[str, Any]) -> None:
    """Check each component and each value of a resolved configuration.

    Raises:
        ConfigError: with all faults.
    """
    faults = [fault for axis in CONTRACTS for fault in _component_faults(axis, config.get(axis))]
    faults += _value_faults(config)
    if faults:
        raise ConfigError(faults)


def faults_without_torch(config: Mapping[str, Any]) -> list[str]:
    """Return those faults of `validate` that are found without importing a component.

    A typo is refused at once; importing torch and Lightning takes seconds.
    """
    named = [fault for axis in CONTRACTS for fault in _named_faults(axis, config.get(axis))]
    return named + _value_faults(config)


def _value_faults(config: Mapping[str, Any]) -> list[str]:
    faults = scalar_faults(config) + size_faults(config) + combination_faults(config)
    return faults + probe_faults(config) + init_from_faults(config) + freeze_faults(config)


def _named_faults(axis: str, node: Any) -> list[str]:
    """Return the faults of hyper-parameters that have a rule by name, of torch's classes."""
    target = current_name(node.get("_target_")) if isinstance(node, Mapping) else None
    if not isinstance(target, str) or not target.startswith("torch."):
        return []
    return named_faults(axis, {k: v for k, v in node.items() if k not in COMMON_KEYS.get(axis, ())})


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
        *(_site_faults(target) if axis == "dropout" else ()),
    ]


def _site_faults(target: Any) -> Iterator[str]:
    """Yield the faults of where a dropout acts: an attribute of the class, ``units`` by default.

    Before 0.1 was released it was called ``place``.
    """
    from ablab.components.parts import Site

    sites = get_args(Site)
    rule = f"dropout._target_ must have as its site {', '.join(sites[:-1])} or {sites[-1]}"
    if not hasattr(target, "site") and hasattr(target, "place"):
        yield f"{rule}, got a class with place={format_value(target.place)}: name it site"
    elif (site := getattr(target, "site", sites[0])) not in sites:
        yield f"{rule}, got {format_value(site)}"


def _is_hydra_key(key: object) -> bool:
    """Return whether Hydra's `instantiate` interprets a key, such as ``_partial_``."""
    return str(key).startswith("_") and str(key).endswith("_")


def _contains_target(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "_target_" in value or any(_contains_target(v) for v in value.values())
    return isinstance(value, list) and any(_contains_target(v) for v in value)
