"""A configuration as it was composed: before its interpolations are resolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ablab.config.content import content_faults, is_interpolated
from ablab.config.interpolation import resolved
from ablab.config.overrides import has, unknown_key
from ablab.faults import ConfigError


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
            ConfigError: a key that the configuration does not have, or a value that is not taken.
        """
        config = self.config.copy()
        faults = [unknown_key(config, key) for key in values if not has(config, key)]
        faults += [f for key, value in values.items() for f in content_faults(key, value)]
        if faults:
            raise ConfigError(faults)
        for key, value in values.items():
            OmegaConf.update(config, key, value, merge=False)
        return Composition(config, self.choices, self.sweep)

    def resolved(self) -> dict[str, Any]:
        """Return the configuration as plain dicts, every interpolation resolved.

        Raises:
            ConfigError: an interpolation leads nowhere, or a value is none that is taken.
        """
        content, faults = resolved(plain(self.config))
        if faults:
            raise ConfigError(faults)
        return dict(content)

    @property
    def is_interpolated(self) -> bool:
        """Tell whether a value follows another one, so that a change of one may change more."""
        return _has_interpolation(plain(self.config))


def plain(config: DictConfig) -> dict[str, Any]:
    """Return dicts, lists and scalars, interpolations as they are written."""
    content = OmegaConf.to_container(config, resolve=False)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def _has_interpolation(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_interpolation(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_interpolation(inner) for inner in value)
    return is_interpolated(value)
