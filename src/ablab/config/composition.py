"""A composed configuration whose interpolations are not resolved yet."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ablab.config.content import content_faults, is_interpolated
from ablab.config.interpolation import resolve_interpolations
from ablab.config.overrides import has_key, unknown_key
from ablab.faults import ConfigError


@dataclass(frozen=True)
class Composition:
    """Stores a configuration before its interpolations are resolved.

    Attributes:
        config: the trial's configuration, with its interpolations.
        choices: group to the name of its YAML.
        sweep: the sweep's question, None outside a sweep.
        swappable: axes that neither the sweep's YAML nor an override changes.
    """

    config: DictConfig
    choices: dict[str, str]
    sweep: dict[str, Any] | None = None
    swappable: frozenset[str] = frozenset()

    def with_values(self, values: Mapping[str, Any]) -> "Composition":
        """Return a copy with values set, keys dotted as on the command line.

        Raises:
            ConfigError: a key that the configuration does not have, or a value that is not allowed.
        """
        config = self.config.copy()
        faults = [unknown_key(config, key) for key in values if not has_key(config, key)]
        faults += [f for key, value in values.items() for f in content_faults(key, value)]
        if faults:
            raise ConfigError(faults)
        for key, value in values.items():
            OmegaConf.update(config, key, value, merge=False)
        return replace(self, config=config)

    def resolved(self) -> dict[str, Any]:
        """Return the configuration as plain dicts, every interpolation resolved.

        Raises:
            ConfigError: an interpolation cannot be resolved, or a value is not allowed.
        """
        content, faults = resolve_interpolations(to_plain(self.config))
        if faults:
            raise ConfigError(faults)
        return dict(content)

    @property
    def is_interpolated(self) -> bool:
        """Whether any value is an interpolation, so that changing one value may change others."""
        return _has_interpolation(to_plain(self.config))


def to_plain(config: DictConfig) -> dict[str, Any]:
    """Return dicts, lists and scalars, interpolations unresolved."""
    content = OmegaConf.to_container(config, resolve=False)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def _has_interpolation(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_interpolation(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_interpolation(inner) for inner in value)
    return is_interpolated(value)
