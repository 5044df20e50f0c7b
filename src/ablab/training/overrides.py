"""Overrides as on Hydra's command line: how they are read, and which keys they may set."""

from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablab.training.faults import one_of

SWEEPS = "sweeps"  # Hydra's group of the sweeps' YAMLs


def parse(overrides: Sequence[str]) -> tuple[list[Override], list[str]]:
    """Return the overrides that set a key to one value, and the faults of the others."""
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


def has(config: DictConfig, key: str) -> bool:
    """Tell whether a trial's configuration has a dotted key."""
    if key.partition(".")[0] in ("hydra", SWEEPS):
        return False
    parent, _, leaf = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return isinstance(node, DictConfig) and leaf in node


def unknown_key(config: DictConfig, key: str) -> str:
    """Return the fault of a dotted key that the configuration does not have."""
    top = key.partition(".")[0]
    if top == "hydra":
        return f"override must be of a key of the trial, got {key}, which is Hydra's own"
    parent = key.rpartition(".")[0] if has(config, top) else ""
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig):
        return f"{parent} must be set as a whole, got {key}"
    names = {str(n) for n in node} - {"hydra", "_target_", SWEEPS}
    return one_of(key, {f"{parent}.{n}" if parent else n for n in names}, key)
