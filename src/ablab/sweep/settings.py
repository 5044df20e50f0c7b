"""Settings: what a variant or a block sets, a component of an axis or a single value."""

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any

from ablab.bounds import TRIALS
from ablab.config.compose import AXES, OUTSIDE_KEY
from ablab.sweep.rules import check_name
from ablab.text import shown, shown_name
from ablab.tracking.spec import Settings

CHOICES = (*AXES, "trainer")  # the groups whose choice changes a trial
RESERVED = (*OUTSIDE_KEY, "hydra", "seed")


def check_settings(place: str, settings: Any, faults: list[str]) -> None:
    """Add what is wrong with the settings that stand at ``place`` to ``faults``."""
    if not isinstance(settings, Mapping):
        faults.append(f"{place} must be a mapping of settings, got {shown(settings)}")
        return
    for key, value in settings.items():
        check_setting(place, key, value, faults)


def check_setting(place: str, key: Any, value: Any, faults: list[str]) -> None:
    """Add what is wrong with one setting to ``faults``."""
    if not isinstance(key, str) or key.split(".")[0] in RESERVED:
        rule = "an axis or a value that changes a trial"
        hint = "; seeds stand under sweep.seeds" if key == "seed" else ""
        faults.append(f"{place} must set {rule}, got {shown_name(key)}{hint}")
    elif key in CHOICES and not isinstance(value, str):
        faults.append(f"{place}.{key} must be the name of a component, got {shown(value)}")
    elif isinstance(value, Mapping):
        faults.append(f"{place}.{key} must be one value ({key}.<name>: …), got {shown(value)}")


def named_product(place: str, grid: Mapping[str, Any], faults: list[str]) -> dict[str, Settings]:
    """Return every combination of a grid under its name: ``relu``, ``batch · dropout``, ``lr=0.1``.

    Args:
        place: key of the grid, for messages.
        grid: setting to the list of its values.
        faults: what is wrong is added here.
    """
    lists = {key: values for key, values in grid.items() if isinstance(values, list) and values}
    for key, values in grid.items():
        if key not in lists:
            faults.append(f"{place}.{key} must be a list of values, got {shown(values)}")
            continue
        for number, value in enumerate(values):
            check_setting(place, key, value, faults)
            if value in values[:number]:
                faults.append(
                    f"{place}.{key} must be distinct values, got {shown_name(value)} twice"
                )
    faults += (many := TRIALS.fault(place, prod(map(len, lists.values()))))
    labels = _labels(lists)
    named: dict[str, Settings] = {}
    for combination in () if many else product(*lists.values()):
        settings = dict(zip(lists, combination, strict=True))
        name = " · ".join(_label(labels[k], k, v) for k, v in settings.items())
        check_name(place, name, faults)
        if name in named:
            faults.append(f"{place} must have values that are written apart, got {name} twice")
        named[name] = settings
    return named


def _labels(keys: Mapping[str, Any]) -> dict[str, str]:
    """Return the last word of each key, or the whole where two end alike."""
    last = [key.rsplit(".", 1)[-1] for key in keys]
    return {k: w if last.count(w) == 1 else k for k, w in zip(keys, last, strict=True)}


def _label(label: str, key: str, value: Any) -> str:
    return str(value) if key in CHOICES else f"{label}={value}"


def matches(wanted: Settings, settings: Settings, choices: Mapping[str, str]) -> bool:
    """Tell whether a combination has all that is wanted, by its settings or its choices."""
    have = {**choices, **settings}
    return all(key in have and have[key] == value for key, value in wanted.items())
