"""Composes choices and values into one configuration.

The only module that calls Hydra.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from ablab.config.composition import Composition, to_plain
from ablab.config.groups import AXES, GROUPS, USER_GROUPS
from ablab.config.interpolation import resolve_interpolations
from ablab.config.known_keys import body_faults
from ablab.config.overrides import SWEEPS, has_key, keys_of, mapping_at, parse, unknown_key
from ablab.config.user_yaml import check_folders, merge_names, registered, yaml_files
from ablab.config.yaml_file import read_yaml
from ablab.errors import InputError
from ablab.faults import ConfigError, first_line, unknown_name
from ablab.folders import shipped_folder, user_folder

# Hydra 1.3 warns where version_base is missing, 1.4 where it is given.
_VERSION: dict[str, Any] = {"version_base": None} if hydra.__version__.startswith("1.3.") else {}


def components(group: str) -> dict[str, Path]:
    """Return the YAML files of a group by name, those in the user's ``./conf`` included.

    Raises:
        ConfigError: a user's file has a name that ablab uses, or one that cannot be chosen.
    """
    shipped, users = yaml_files(shipped_folder("conf") / group), user_folder("conf")
    if users is None or group not in USER_GROUPS:
        return shipped
    return merge_names(shipped, yaml_files(users / group), group)


def sweep_names() -> dict[str, Path]:
    """Return the YAML files of all sweeps by name, those in the user's ``./sweeps`` included.

    Those that test the claims of textbooks are in a folder of their own, ``sweeps/claims``.
    """
    folder, users = shipped_folder("sweeps"), user_folder("sweeps")
    shipped = merge_names(yaml_files(folder), yaml_files(folder / "claims"), "sweep")
    return shipped if users is None else merge_names(shipped, yaml_files(users), "sweep")


def compose(overrides: Sequence[str] = (), sweep: str | None = None) -> Composition:
    """Compose the configuration of a trial, or of a sweep's base trial.

    Args:
        overrides: as on Hydra's command line, ``activation=elu`` or ``optimizer.lr=0.1``.
        sweep: name of a sweep, whose YAML is merged over the defaults and under ``overrides``.

    Raises:
        ConfigError: all faults of names, keys and syntax at once.
    """
    parsed, faults = parse(overrides)
    if sweep is not None and sweep not in sweep_names():
        raise ConfigError([unknown_name("sweep", sweep_names(), sweep)])
    unread = keys_of(overrides) - {o.key_or_group for o in parsed}
    groups = [o for o in parsed if o.key_or_group in GROUPS]
    values = [o for o in parsed if o.key_or_group not in GROUPS]
    faults += _unknown_choices(groups)
    body = {} if sweep is None else read_yaml(sweep_names()[sweep])
    if wrong_keys := body_faults(body, AXES):
        raise ConfigError(wrong_keys)
    config = _hydra([_choice(o) for o in groups if _exists(o)], sweep)
    known = [o for o in values if has_key(config, o.key_or_group) or _is_of_sweep(config, o)]
    faults += [unknown_key(config, o.key_or_group) for o in values if o not in known]
    changed = {key.partition(".")[0] for key in (*keys_of(overrides), *body)}
    composition, wrong = _split(_with_values(config, known), frozenset(AXES) - changed)
    faults += wrong
    if faults:
        further = _further_faults(composition)
        raise ConfigError([*faults, *(f for f in further if not _is_about(f, unread))])
    return composition


def _is_of_sweep(config: DictConfig, override: Override) -> bool:
    """Return whether an override sets a key of the question, which the YAML need not have."""
    parent, _, leaf = override.key_or_group.partition(".")
    return parent == "sweep" and "." not in leaf and mapping_at(config, parent) is not None


def _is_about(fault: str, keys: set[str]) -> bool:
    """Return whether a fault follows from one of the overrides that could not be read."""
    key = fault.split(" must ", maxsplit=1)[0]
    return any(key == k or key.startswith(f"{k}.") for k in keys)


def _further_faults(composition: Composition) -> tuple[str, ...]:
    """Return the faults that later checks would find, to report all at once.

    Without torch only those that need none: a typo is no reason to import it, which takes seconds.
    """
    from ablab.config.validate import faults_without_torch, validate

    try:
        config = composition.resolved()
        if "torch" not in sys.modules:
            return tuple(faults_without_torch(config))
        from ablab.config.dry_build import dry_build

        validate(config)
        dry_build(config)
    except ConfigError as error:
        return error.faults
    except InputError:  # of the data, not of the configuration
        pass
    return ()


def _with_values(config: DictConfig, values: Sequence[Override]) -> DictConfig:
    for override in values:
        key, value = override.key_or_group, override.value()
        OmegaConf.update(config, key, value, merge=False, force_add=key.startswith("sweep."))
    return config


def _split(config: DictConfig, swappable: frozenset[str]) -> tuple[Composition, list[str]]:
    """Return the trial and the question apart, and the faults of the question's values."""
    choices = {g: str(n) for g, n in config.hydra.runtime.choices.items() if g in GROUPS}
    with open_dict(config):
        del config["hydra"]
        content = to_plain(config)
        if "sweep" in content:
            del config["sweep"]  # `pop` would resolve it
    spec, faults = resolve_interpolations(content, "sweep") if "sweep" in content else (None, [])
    return Composition(config, choices, None if faults else spec, swappable), faults


def _hydra(choices: list[str], sweep: str | None) -> DictConfig:
    """Return what Hydra composes, its own node included."""
    selected = [] if sweep is None else [f'+{SWEEPS}="{sweep}"']
    files = _user_files()
    if sweep is not None:
        files[SWEEPS, sweep] = sweep_names()[sweep]
    try:
        with registered(files), initialize_config_dir(str(shipped_folder("conf")), **_VERSION):
            return hydra_compose("config", selected + choices, return_hydra_config=True)
    except ConfigError:
        raise
    except Exception as error:  # Hydra raises many types on a user's YAML
        raise ConfigError([_fault(error, sweep)]) from error


def _fault(error: Exception, sweep: str | None) -> str:
    """Return an error of Hydra as a fault."""
    absent = re.search(r"Could not find '(\w+)/([^']*)'", str(error))
    if absent and absent[1] in GROUPS:
        return unknown_name(absent[1], components(absent[1]), absent[2])
    key = f"sweep {sweep}" if sweep else "configuration"
    return f"{key} must compose, got {type(error).__name__}: {first_line(error)}"


def _user_files() -> dict[tuple[str, str], Path]:
    """Return the user's components and launchers by group and name."""
    conf = user_folder("conf")
    if conf is None:
        return {}
    check_folders(conf, USER_GROUPS)
    files: dict[tuple[str, str], Path] = {}
    for group in USER_GROUPS:
        shipped = yaml_files(shipped_folder("conf") / group)
        users = {n: path for n, path in components(group).items() if n not in shipped}
        files |= {(group, name): path for name, path in users.items()}
    return files


def _unknown_choices(groups: Sequence[Override]) -> list[str]:
    return [
        unknown_name(o.key_or_group, components(o.key_or_group), o.value())
        for o in groups
        if not _exists(o)
    ]


def _exists(override: Override) -> bool:
    return str(override.value()) in components(override.key_or_group)


def _choice(override: Override) -> str:
    """Return the choice of a component in quotes: its name may contain any character."""
    return f'{override.key_or_group}="{override.value()}"'
