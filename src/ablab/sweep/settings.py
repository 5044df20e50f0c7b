"""Settings of a variant or block: keys with a component of an axis or a single value."""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from math import prod
from typing import Any

from ablab.bounds import TRIALS
from ablab.config.composition import Composition
from ablab.config.groups import AXES, OUTSIDE_KEY
from ablab.sweep.rules import check_name
from ablab.text import format_name, format_value
from ablab.tracking.spec import Settings

CHOICES = (*AXES, "trainer")  # groups whose choice changes a trial
RESERVED = (*OUTSIDE_KEY, "hydra", "seed")


def check_settings(path: str, settings: Any, faults: list[str]) -> None:
    """Append the faults of the settings under the key ``path`` to ``faults``."""
    if not isinstance(settings, Mapping):
        faults.append(f"{path} must be a mapping of settings, got {format_value(settings)}")
        return
    for key, value in settings.items():
        check_setting(path, key, value, faults)


def check_setting(path: str, key: Any, value: Any, faults: list[str]) -> None:
    """Append the faults of one setting to ``faults``."""
    if not isinstance(key, str) or key.split(".")[0] in RESERVED:
        rule = "an axis or a value that changes a trial"
        hint = "; set seeds with sweep.seeds" if key == "seed" else ""
        faults.append(f"{path} must set {rule}, got {format_name(key)}{hint}")
    elif key in CHOICES and not isinstance(value, str):
        faults.append(f"{path}.{key} must be the name of a component, got {format_value(value)}")
    elif isinstance(value, Mapping):
        faults.append(
            f"{path}.{key} must be one value ({key}.<name>: …), got {format_value(value)}"
        )


def named_product(path: str, grid: Mapping[str, Any], faults: list[str]) -> dict[str, Settings]:
    """Return every combination of a grid by its name: ``relu``, ``batch · dropout``, ``lr=0.1``.

    Args:
        path: key of the grid, for messages.
        grid: setting to the list of its values.
        faults: messages are appended here.
    """
    lists = {key: values for key, values in grid.items() if isinstance(values, list) and values}
    for key, values in grid.items():
        if key not in lists:
            faults.append(f"{path}.{key} must be a list of values, got {format_value(values)}")
            continue
        for number, value in enumerate(values):
            check_setting(path, key, value, faults)
            if value in values[:number]:
                faults.append(
                    f"{path}.{key} must be distinct values, got {format_name(value)} twice"
                )
    faults += (too_many := TRIALS.fault(path, prod(map(len, lists.values()))))
    labels = key_labels(lists)
    named: dict[str, Settings] = {}
    for combination in () if too_many else product(*lists.values()):
        settings = dict(zip(lists, combination, strict=True))
        name = settings_name(settings, labels)
        check_name(path, name, faults)
        if name in named:
            faults.append(f"{path} must have values that are written differently, got {name} twice")
        named[name] = settings
    return named


def compose_settings(
    composer: Callable[[Mapping[str, str]], Composition], settings: Settings
) -> Composition:
    """Return the composition with these components and values.

    Args:
        composer: from group choices to a composition.
        settings: group to component, and dotted key to value.

    Raises:
        ConfigError: a component or a key does not exist.
    """
    choices = {key: v for key, v in settings.items() if key in CHOICES}
    values = {key: v for key, v in settings.items() if key not in CHOICES}
    return composer(choices).with_values(values)


def settings_name(settings: Settings, labels: Mapping[str, str]) -> str:
    """Return the name of a combination: components as they are called, values with their key."""
    return " · ".join(str(v) if k in CHOICES else f"{labels[k]}={v}" for k, v in settings.items())


def key_labels(keys: Iterable[str]) -> dict[str, str]:
    """Return the last part of each dotted key, or the whole key where two keys end alike."""
    keys = list(keys)
    last = [key.rsplit(".", 1)[-1] for key in keys]
    return {k: w if last.count(w) == 1 else k for k, w in zip(keys, last, strict=True)}


def matches(required: Settings, settings: Settings, choices: Mapping[str, str]) -> bool:
    """Return whether settings and choices together contain all ``required`` settings."""
    have = {**choices, **settings}
    return all(key in have and have[key] == value for key, value in required.items())
