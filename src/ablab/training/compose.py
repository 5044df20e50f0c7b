"""From names to one configuration: the only module that composes with Hydra."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ablab.folders import own_folder, user_folder
from ablab.training.faults import ConfigError, one_of

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
    "optimizer",
    "scheduler",
)
OUTSIDE_KEY = ("devices", "tracking", "launcher", "probes", "sweep")
GROUPS = (*AXES, "trainer", "devices", "tracking", "launcher")
_SWEEPS = "sweeps"
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
        faults = [_unknown_key(config, key) for key in values if not _has(config, key)]
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
            raise ConfigError([_first_line(error)]) from error
        assert isinstance(content, dict)
        return {str(key): value for key, value in content.items()}


def components(group: str) -> dict[str, Path]:
    """Return the YAMLs of a group by name, the user's own ``./conf`` included.

    Raises:
        ConfigError: a name stands in both places, or the user's folder holds what is no axis.
    """
    own = _yamls(own_folder("conf") / group)
    mine = user_folder("conf")
    if mine is None or group not in AXES:
        return own
    return _joined(own, _yamls(mine / group), group)


def sweep_names() -> dict[str, Path]:
    """Return the YAMLs of all sweeps by name, the user's own ``./sweeps`` included."""
    own, mine = _yamls(own_folder("sweeps")), user_folder("sweeps")
    return own if mine is None else _joined(own, _yamls(mine), "sweep")


def compose(overrides: Sequence[str] = (), sweep: str | None = None) -> Composition:
    """Compose a trial, or a sweep's base trial.

    Args:
        overrides: as on Hydra's command line, ``activation=elu`` or ``optimizer.lr=0.1``.
        sweep: name of a sweep, whose YAML is merged over the defaults and under ``overrides``.

    Raises:
        ConfigError: all faults of names, keys and syntax at once.
    """
    parsed, faults = _parse(overrides)
    if sweep is not None and sweep not in sweep_names():
        raise ConfigError([one_of("sweep", sweep_names(), sweep)])
    groups = [o for o in parsed if o.key_or_group in GROUPS]
    values = [o for o in parsed if o.key_or_group not in GROUPS]
    faults += _unknown_choices(groups)
    good = [o for o in groups if _is_choice(o)]
    config = _hydra(([f"+{_SWEEPS}={sweep}"] if sweep else []) + [_text(o) for o in good])
    known = [o for o in values if _has(config, o.key_or_group)]
    faults += [_unknown_key(config, o.key_or_group) for o in values if o not in known]
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


def _hydra(overrides: list[str]) -> DictConfig:
    try:
        with _user_files(), initialize_config_dir(str(own_folder("conf")), **_VERSION):
            return hydra_compose("config", overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError([_first_line(error)]) from error


@contextmanager
def _user_files() -> Iterator[None]:
    """Show Hydra the sweeps, and the user's own components of every axis, for the block.

    They go in file by file: a search path would let a foreign config.yaml replace ours, or lose
    a name to ours in silence.
    """
    files: list[tuple[str, str | None, str, Path]] = [
        (_SWEEPS, "_global_", name, path) for name, path in sweep_names().items()
    ]
    mine = user_folder("conf")
    if mine is not None:
        _refuse_strangers(mine)
        for axis in AXES:
            own = _yamls(own_folder("conf") / axis)
            files += [(axis, None, *item) for item in components(axis).items() - own.items()]
    store = ConfigStore.instance()
    try:
        for group, package, name, path in files:
            store.store(name, _load(path), group=group, package=package)
        yield
    finally:
        for group, _, name, _ in files:
            store.repo.get(group, {}).pop(f"{name}.yaml", None)


def _refuse_strangers(mine: Path) -> None:
    strangers = {p.name for p in mine.iterdir() if not p.name.startswith(".")} - set(AXES)
    if strangers:
        raise ConfigError(
            [f"{mine} must hold axis folders only, got {', '.join(sorted(strangers))}"]
        )


def _load(path: Path) -> DictConfig:
    try:
        config = OmegaConf.load(path)
    except (YAMLError, OmegaConfBaseException, OSError) as error:
        raise ConfigError([f"{path} must be YAML, got {_first_line(error)}"]) from error
    if not isinstance(config, DictConfig):
        raise ConfigError([f"{path} must hold keys and values, got a list"])
    return config


def _yamls(folder: Path) -> dict[str, Path]:
    return {p.stem: p for p in sorted(folder.glob("*.yaml"))}


def _joined(own: dict[str, Path], mine: dict[str, Path], kind: str) -> dict[str, Path]:
    twice = own.keys() & mine.keys()
    if twice:
        raise ConfigError(
            [f"{kind} must be named once, got {mine[n]}, whose name the suite has" for n in twice]
        )
    return own | mine


def _parse(overrides: Sequence[str]) -> tuple[list[Override], list[str]]:
    parser, parsed, faults = OverridesParser.create(), [], []
    for text in overrides:
        try:
            override = parser.parse_overrides([text])[0]
        except (HydraException, OmegaConfBaseException):
            faults.append(f"override must be key=value, got {text}")
            continue
        if override.type is not OverrideType.CHANGE or override.package is not None:
            faults.append(f"override must be key=value without +, ~ or @, got {text}")
        elif override.is_sweep_override():
            faults.append(
                f"{override.key_or_group} must be one value, got {text}; sweeps take many"
            )
        else:
            parsed.append(override)
    return parsed, faults


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


def _has(config: DictConfig, key: str) -> bool:
    if key.partition(".")[0] in ("hydra", _SWEEPS):
        return False
    parent, _, leaf = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return isinstance(node, DictConfig) and leaf in node


def _unknown_key(config: DictConfig, key: str) -> str:
    top = key.partition(".")[0]
    if top == "hydra":
        return f"override must be of a key of the trial, got {key}, which is Hydra's own"
    parent = key.rpartition(".")[0] if _has(config, top) else ""
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig):
        return f"{parent} must be set as a whole, got {key}"
    names = {str(n) for n in node} - {"hydra", "_target_", _SWEEPS}
    return one_of(key, {f"{parent}.{n}" if parent else n for n in names}, key)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
