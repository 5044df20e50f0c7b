"""What a shell can complete: components, keys of the configuration, sweeps and trials."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ablab.folders import lab_folder, shipped_folder, user_folder

_MANY = 1000  # keys of trials; more are not listed


def complete_overrides(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """Return ``activation=`` for ``act``, and ``activation=relu`` for ``activation=re``.

    Args:
        prefix: what is typed so far.
        parsed_args: the words before it; of those, overrides choose the components.
    """
    key, equals, typed = prefix.partition("=")
    words = getattr(parsed_args, "overrides", None) or []
    if not equals:
        return _keys(key, words)
    listed = typed[: typed.rfind(",") + 1]  # the values before, of a multirun
    return [f"{key}={listed}{value}" for value in _values(key, words)]


def complete_groups(**_: object) -> list[str]:
    """Return the groups of the configuration."""
    return _groups()


def complete_components(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """Return the components of the axis that is typed before."""
    return _components(parsed_args.axis or "")


def complete_datasets(**_: object) -> list[str]:
    """Return the names of the data sets."""
    return _components("dataset")


def complete_sweeps(**_: object) -> list[str]:
    """Return the names of ablab's sweeps, the user's, and those that the lab has."""
    shipped = shipped_folder("sweeps")
    files = [*_stems(shipped), *_stems(shipped / "claims"), *_stems(user_folder("sweeps"))]
    planned = {path.parent.name for path in lab_folder().glob("sweeps/*/part-001.json")}
    return sorted({*files, *(name for name in planned if " [" not in name)})


def complete_keys(prefix: str, **_: object) -> list[str]:
    """Return the keys of the lab's trials that begin so, none where they are too many."""
    found = [path.name for path in lab_folder().glob(f"trials/{prefix}*") if path.is_dir()]
    return sorted(found) if len(found) <= _MANY else []


def _keys(typed: str, words: Sequence[str]) -> list[str]:
    """Return groups and single values, and the values of a group once its name is typed."""
    group = typed.partition(".")[0]
    if group in (groups := _groups()):
        inner = [f"{group}.{name}=" for name in _content(group, words) if name != "_target_"]
        return [f"{group}=", *inner]
    scalars = [key for key in _config() if key != "defaults"]
    return [f"{key}=" for key in (*groups, *scalars)]


def _values(key: str, words: Sequence[str]) -> list[str]:
    """Return the components of a group, or the values of a switch."""
    group, _, name = key.partition(".")
    if not name:
        return _components(group)
    switch = isinstance(_content(group, words).get(name), bool)
    return ["true", "false"] if switch else []


def _groups() -> list[str]:
    return sorted(path.name for path in shipped_folder("conf").iterdir() if path.is_dir())


def _components(group: str) -> list[str]:
    conf = user_folder("conf")
    shipped = _stems(shipped_folder("conf") / group)
    return sorted({*shipped, *_stems(conf and conf / group)})


def _content(group: str, words: Sequence[str]) -> Mapping[str, Any]:
    """Return the YAML of a group's component: the one that is chosen, else the default."""
    defaults = [entry for entry in _config()["defaults"] if isinstance(entry, dict)]
    choices = {key: value for entry in defaults for key, value in entry.items()}
    choices |= dict(word.split("=", 1) for word in words if "=" in word)
    folders = [shipped_folder("conf"), user_folder("conf")]
    for folder in filter(None, folders):
        content = _read(folder / group / f"{choices.get(group)}.yaml")
        if content:
            return content
    return {}


def _config() -> Mapping[str, Any]:
    return _read(shipped_folder("conf") / "config.yaml")


def _read(path: Path) -> Mapping[str, Any]:
    """Return a YAML mapping, empty where there is none: a shell shows no errors."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _stems(folder: Path | None) -> list[str]:
    return [] if folder is None else [p.stem for p in folder.glob("*.yaml") if p.stem[0] != "."]
