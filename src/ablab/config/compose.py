"""From names to one configuration: the only module that composes with Hydra."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from ablab.config.composition import Composition, plain
from ablab.config.interpolation import resolved
from ablab.config.known_keys import body_faults
from ablab.config.overrides import SWEEPS, has, keys_of, mapping_at, parse, unknown_key
from ablab.config.user_yaml import Offer, joined, offered, yamls
from ablab.config.yaml_file import read_yaml
from ablab.errors import InputError
from ablab.faults import ConfigError, first_line, one_of
from ablab.folders import own_folder, user_folder
from ablab.text import shown_name

AXES = (
    "dataset",
    "augmentation",
    "architecture",
    "activation",
    "pooling",
    "normalization",
    "dropout",
    "initializer",
    "loss",
    "regularizer",
    "optimizer",
    "scheduler",
)
OUTSIDE_KEY = ("devices", "tracking", "launcher", "probes", "sweep")
USERS_GROUPS = (*AXES, "launcher")  # those that a user's ./conf may add to
GROUPS = (*AXES, "data", "trainer", "devices", "tracking", "launcher", "probes")
# 1.3 warns where version_base is missing, 1.4 where it is given.
_VERSION: dict[str, Any] = {"version_base": None} if hydra.__version__.startswith("1.3.") else {}


def components(group: str) -> dict[str, Path]:
    """Return the YAMLs of a group by name, the user's own ``./conf`` included.

    Raises:
        ConfigError: a name stands in both places, or the user's folder holds what is neither
            an axis nor `launcher`.
    """
    own = yamls(own_folder("conf") / group)
    mine = user_folder("conf")
    if mine is None or group not in USERS_GROUPS:
        return own
    return joined(own, yamls(mine / group), group)


def sweep_names() -> dict[str, Path]:
    """Return the YAMLs of all sweeps by name, the user's own ``./sweeps`` included."""
    own, mine = yamls(own_folder("sweeps")), user_folder("sweeps")
    return own if mine is None else joined(own, yamls(mine), "sweep")


def compose(overrides: Sequence[str] = (), sweep: str | None = None) -> Composition:
    """Compose a trial, or a sweep's base trial.

    Args:
        overrides: as on Hydra's command line, ``activation=elu`` or ``optimizer.lr=0.1``.
        sweep: name of a sweep, whose YAML is merged over the defaults and under ``overrides``.

    Raises:
        ConfigError: all faults of names, keys and syntax at once.
    """
    parsed, faults = parse(overrides)
    if sweep is not None and sweep not in sweep_names():
        raise ConfigError([one_of("sweep", sweep_names(), sweep)])
    unread = keys_of(overrides) - {o.key_or_group for o in parsed}
    groups = [o for o in parsed if o.key_or_group in GROUPS]
    values = [o for o in parsed if o.key_or_group not in GROUPS]
    faults += _unknown_choices(groups)
    good = [o for o in groups if _is_choice(o)]
    config = _hydra([_text(o) for o in good], sweep)
    known = [o for o in values if has(config, o.key_or_group) or _is_of_sweep(config, o)]
    faults += [unknown_key(config, o.key_or_group) for o in values if o not in known]
    composition, wrong = _split(_with_values(config, known))
    faults += wrong
    if faults:
        further = _further_faults(composition)
        raise ConfigError([*faults, *(f for f in further if not _is_about(f, unread))])
    return composition


def _is_of_sweep(config: DictConfig, override: Override) -> bool:
    """Tell a key of a question, which an override may set though the YAML does not."""
    parent, _, leaf = override.key_or_group.partition(".")
    return parent == "sweep" and "." not in leaf and mapping_at(config, parent) is not None


def _is_about(fault: str, keys: set[str]) -> bool:
    """Tell a fault that follows from an override which could not be read."""
    key = fault.split(" must ", maxsplit=1)[0]
    return any(key == k or key.startswith(f"{k}.") for k in keys)


def _further_faults(composition: Composition) -> tuple[str, ...]:
    """Return what is wrong besides names, so that all is told at once."""
    from ablab.config.dry_build import dry_build  # torch is no need of a faultless composition
    from ablab.config.validate import validate

    try:
        config = composition.resolved()
        validate(config)
        dry_build(config)
    except ConfigError as error:
        return error.faults
    except InputError:  # the data's: no fault of the configuration
        pass
    return ()


def _with_values(config: DictConfig, values: Sequence[Override]) -> DictConfig:
    for override in values:
        key, value = override.key_or_group, override.value()
        OmegaConf.update(config, key, value, merge=False, force_add=key.startswith("sweep."))
    return config


def _split(config: DictConfig) -> tuple[Composition, list[str]]:
    """Return the trial and the question apart, and what is wrong with the question's values."""
    choices = {g: str(n) for g, n in config.hydra.runtime.choices.items() if g in GROUPS}
    with open_dict(config):
        del config["hydra"]
        content = plain(config)
        if "sweep" in content:
            del config["sweep"]  # `pop` would resolve it
    spec, faults = resolved(content, "sweep") if "sweep" in content else (None, [])
    return Composition(config, choices, None if faults else spec), faults


def _hydra(overrides: list[str], sweep: str | None) -> DictConfig:
    chosen = [] if sweep is None else [f'+{SWEEPS}="{sweep}"']
    try:
        with offered(_offers(sweep)), initialize_config_dir(str(own_folder("conf")), **_VERSION):
            return hydra_compose("config", chosen + overrides, return_hydra_config=True)
    except ConfigError:
        raise
    except Exception as error:  # whatever Hydra meets in a YAML of the user's
        raise ConfigError([_told(error, sweep)]) from error


def _told(error: Exception, sweep: str | None) -> str:
    """Return a complaint of Hydra's as a fault."""
    absent = re.search(r"Could not find '(\w+)/([^']*)'", str(error))
    if absent and absent[1] in GROUPS:
        return one_of(absent[1], components(absent[1]), absent[2])
    key = f"sweep {sweep}" if sweep else "configuration"
    return f"{key} must compose, got {type(error).__name__}: {first_line(error)}"


def _offers(sweep: str | None) -> list[Offer]:
    """Return the sweep, and the user's own components and launchers."""
    offers = []
    if sweep is not None:
        path = sweep_names()[sweep]
        if faults := body_faults(read_yaml(path), AXES):
            raise ConfigError(faults)
        offers.append(Offer(SWEEPS, sweep, path, "_global_"))
    mine = user_folder("conf")
    if mine is None:
        return offers
    _refuse_strangers(mine)
    for group in USERS_GROUPS:
        own = yamls(own_folder("conf") / group)
        offers += [Offer(group, *item) for item in components(group).items() if item[0] not in own]
    return offers


def _refuse_strangers(mine: Path) -> None:
    strangers = {p.name for p in mine.iterdir() if not p.name.startswith(".")} - set(USERS_GROUPS)
    if strangers:
        raise ConfigError(
            [
                f"{shown_name(mine)} must hold folders of axes and launchers only, got "
                f"{shown_name(', '.join(sorted(strangers)))}"
            ]
        )


def _unknown_choices(groups: Sequence[Override]) -> list[str]:
    return [
        one_of(o.key_or_group, components(o.key_or_group), o.value())
        for o in groups
        if not _is_choice(o)
    ]


def _is_choice(override: Override) -> bool:
    return str(override.value()) in components(override.key_or_group)


def _text(override: Override) -> str:
    """Return the choice of a component, whose name may hold what Hydra's grammar does not."""
    return f'{override.key_or_group}="{override.value()}"'
