"""From names to one configuration: the only module that composes with Hydra."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from ablab.folders import own_folder, user_folder
from ablab.training.faults import ConfigError, first_line, one_of
from ablab.training.offering import Offer, joined, offered, yamls
from ablab.training.overrides import SWEEPS, has, parse, unknown_key

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
GROUPS = (*AXES, "data", "trainer", "devices", "tracking", "launcher", "probes")
# 1.3 warns where version_base is missing, 1.4 where it is given.
_VERSION: dict[str, Any] = {"version_base": None} if hydra.__version__.startswith("1.3.") else {}


@dataclass(frozen=True)
class Composition:
    """A configuration before it is resolved.

    Attributes:
        config: the trial's configuration, with its interpolations.
        choices: which YAML each group took.
        sweep: the sweep's specification, None outside a sweep.
    """

    config: DictConfig
    choices: dict[str, str]
    sweep: dict[str, Any] | None = None

    def with_values(self, values: Mapping[str, Any]) -> "Composition":
        """Return a copy with scalars set, keys dotted as on the command line.

        Raises:
            ConfigError: a key that the configuration does not have.
        """
        config = self.config.copy()
        faults = [unknown_key(config, key) for key in values if not has(config, key)]
        if faults:
            raise ConfigError(faults)
        for key, value in values.items():
            OmegaConf.update(config, key, value)
        return Composition(config, self.choices, self.sweep)

    def resolved(self) -> dict[str, Any]:
        """Return the configuration as plain dicts, every interpolation resolved."""
        try:
            content = OmegaConf.to_container(self.config, resolve=True, throw_on_missing=True)
        except OmegaConfBaseException as error:
            raise ConfigError([first_line(error)]) from error
        assert isinstance(content, dict)
        return {str(key): value for key, value in content.items()}


def components(group: str) -> dict[str, Path]:
    """Return the YAMLs of a group by name, the user's own ``./conf`` included.

    Raises:
        ConfigError: a name stands in both places, or the user's folder holds what is no axis.
    """
    own = yamls(own_folder("conf") / group)
    mine = user_folder("conf")
    if mine is None or group not in AXES:
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
    groups = [o for o in parsed if o.key_or_group in GROUPS]
    values = [o for o in parsed if o.key_or_group not in GROUPS]
    faults += _unknown_choices(groups)
    good = [o for o in groups if _is_choice(o)]
    config = _hydra([_text(o) for o in good], sweep)
    known = [o for o in values if has(config, o.key_or_group)]
    faults += [unknown_key(config, o.key_or_group) for o in values if o not in known]
    composition = _split(_with_values(config, known))
    if faults:
        raise ConfigError([*faults, *_further_faults(composition)])
    return composition


def _further_faults(composition: Composition) -> tuple[str, ...]:
    """Return what is wrong besides names, so that all is told at once."""
    from ablab.training.rehearsal import rehearse  # torch is no need of a faultless composition
    from ablab.training.validate import validate

    try:
        config = composition.resolved()
        validate(config)
        rehearse(config)
    except ConfigError as error:
        return error.faults
    except ValueError:  # the data's: no fault of the configuration
        pass
    return ()


def _with_values(config: DictConfig, values: Sequence[Override]) -> DictConfig:
    for override in values:
        OmegaConf.update(config, override.key_or_group, override.value(), merge=False)
    return config


def _split(config: DictConfig) -> Composition:
    choices = {g: str(n) for g, n in config.hydra.runtime.choices.items() if g in GROUPS}
    spec = OmegaConf.to_container(config.sweep, resolve=True) if "sweep" in config else None
    with open_dict(config):
        for key in ("hydra", "sweep"):
            config.pop(key, None)
    assert spec is None or isinstance(spec, dict)
    return Composition(
        config, choices, None if spec is None else {str(k): v for k, v in spec.items()}
    )


def _hydra(overrides: list[str], sweep: str | None) -> DictConfig:
    chosen = [] if sweep is None else [f"+{SWEEPS}={sweep}"]
    try:
        with offered(_offers(sweep)), initialize_config_dir(str(own_folder("conf")), **_VERSION):
            return hydra_compose("config", chosen + overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError([first_line(error)]) from error


def _offers(sweep: str | None) -> list[Offer]:
    """Return the sweep, and the user's own components of every axis."""
    offers = [] if sweep is None else [Offer(SWEEPS, sweep, sweep_names()[sweep], "_global_")]
    mine = user_folder("conf")
    if mine is None:
        return offers
    _refuse_strangers(mine)
    for axis in AXES:
        own = yamls(own_folder("conf") / axis)
        offers += [Offer(axis, *item) for item in components(axis).items() if item[0] not in own]
    return offers


def _refuse_strangers(mine: Path) -> None:
    strangers = {p.name for p in mine.iterdir() if not p.name.startswith(".")} - set(AXES)
    if strangers:
        raise ConfigError(
            [f"{mine} must hold axis folders only, got {', '.join(sorted(strangers))}"]
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
    return f"{override.key_or_group}={override.value()}"
