"""Checks of a trial that was read from a record: it may come from outside.

Nothing is imported or built here. What a ``_target_`` may name is decided where it is resolved
(`ablab.model.targets.resolve`), by this process's ``--allow`` alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ablab.bounds import PROCESSES
from ablab.config.content import content_faults, is_interpolated
from ablab.config.groups import AXES, GROUPS
from ablab.config.trial import NEUTRAL, content_key
from ablab.text import format_value


def record_faults(trial: Mapping[str, Any]) -> list[str]:
    """Return the faults of a recorded trial.

    Its configuration must be resolved, bounded, without targets inside hyper-parameters, and must
    have the key under which it is recorded.

    Args:
        trial: ``key``, ``config``, ``data_hash``, ``sources``, as in ``trial.json``.
    """
    config, sources, choices = (trial.get(name) for name in ("config", "sources", "choices"))
    if not (isinstance(config, dict) and isinstance(sources, dict) and isinstance(choices, dict)):
        return ["trial must have a configuration, sources and choices, got another record"]
    faults = content_faults("", config) + content_faults("sources", sources)
    faults += content_faults("choices", choices)
    texts = [*sources.values(), *choices.values()]
    faults += [f"sources must be text, got {format_value(x)}" for x in texts if type(x) is not str]
    if faults:
        return faults
    faults = [
        f"{key} must be resolved in a record, got {format_value(value)}"
        for key, value in _values("", config)
        if is_interpolated(value)
    ]
    for name in (*GROUPS[: len(AXES)], "trainer", "devices", "launcher"):
        if name not in config and name in NEUTRAL:  # recorded before there was such a group
            continue
        faults += _group_faults(name, config.get(name))
    if not faults and not _has_key(trial, config, sources):
        faults = [
            f"key must be that of its configuration, got {format_value(trial.get('key'))} for "
            "another one"
        ]
    return faults


def _group_faults(name: str, node: Any) -> list[str]:
    if not isinstance(node, dict):
        return [f"{name} must be a group of values, got {format_value(node)}"]
    if name in AXES and not isinstance(node.get("_target_"), str):
        return [f"{name} must be a component with a _target_, got {format_value(node)}"]
    return [
        f"{name}.{key} must not contain a _target_, got {format_value(value)}"
        for key, value in node.items()
        if any(inner.endswith("_target_") for inner, _ in _values(f"{name}.{key}", value))
        and key != "_target_"
    ]


def _has_key(
    trial: Mapping[str, Any], config: Mapping[str, Any], sources: Mapping[str, Any]
) -> bool:
    """Return whether a trial has its key; it may depend on the number of processes."""
    key, data = trial.get("key"), str(trial.get("data_hash"))
    is_single = config["devices"].get("devices") == 1
    counts = [None] if is_single else [None, *range(2, PROCESSES.most + 1)]
    return any(content_key(config, data, sources, count) == key for count in counts)


def _values(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each value with its dotted key, groups included."""
    yield key, value
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _values(f"{key}.{name}".lstrip("."), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(key, inner)
