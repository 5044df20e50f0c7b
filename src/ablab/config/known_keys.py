"""Checks the keys of a sweep's YAML: an unknown one would change nothing, silently."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ablab.faults import unknown_name
from ablab.folders import shipped_folder
from ablab.text import format_value

_OVERRIDE = "override /"


def body_faults(content: Mapping[str, Any], axes: tuple[str, ...]) -> list[str]:
    """Return the faults of keys in a sweep's YAML that no trial has.

    Args:
        content: of the YAML.
        axes: groups whose keys depend on the component; `validate` checks them.
    """
    known = _known_keys(shipped_folder("conf"))
    faults = _defaults_faults(content.get("defaults", []), known)
    for key, value in content.items():
        if key in ("defaults", "sweep"):
            continue
        if key not in known:
            faults.append(unknown_name(key, known, key))
        elif known[key] is None:
            continue
        elif not isinstance(value, Mapping):
            faults.append(f"{key} must be a mapping, got {format_value(value)}")
        elif key not in axes:
            names = known[key] or ()
            faults += [
                unknown_name(f"{key}.{name}", [f"{key}.{n}" for n in names], f"{key}.{name}")
                for name in value
                if name not in names
            ]
    return faults


def _defaults_faults(defaults: Any, known: Mapping[str, Any]) -> list[str]:
    """Return the faults of a sweep's choices of components."""
    rule = "be a list of choices such as `- override /dataset: mnist`"
    if not isinstance(defaults, list):
        return [f"defaults must {rule}, got {format_value(defaults)}"]
    groups = {f"{_OVERRIDE}{name}" for name, keys in known.items() if keys is not None}
    faults = []
    for number, item in enumerate(defaults):
        if item == "_self_":
            continue
        if not isinstance(item, Mapping) or len(item) != 1:
            faults.append(f"defaults.{number} must {rule}, got {format_value(item)}")
            continue
        ((group, name),) = item.items()
        if group not in groups:
            faults.append(unknown_name(f"defaults.{number}", groups, group))
        elif not isinstance(name, str):
            faults.append(
                f"defaults.{number} must be the name of a choice, got {format_value(name)}"
            )
    return faults


@cache
def _known_keys(conf: Path) -> dict[str, frozenset[str] | None]:
    """Return the top-level keys of a trial: a group with the keys of its YAML files, or None."""
    config = yaml.safe_load((conf / "config.yaml").read_text("utf-8"))
    groups = [next(iter(item)) for item in config.pop("defaults") if item != "_self_"]
    return {
        **dict.fromkeys(config),
        **{group: _keys(conf / group) for group in groups},
    }


def _keys(folder: Path) -> frozenset[str]:
    contents = [yaml.safe_load(path.read_text("utf-8")) for path in folder.glob("*.yaml")]
    return frozenset(key for content in contents for key in content)
