"""Other components in a composition, without composing anew where that is surely the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf

from ablab.config.compose import AXES, components, sweep_names
from ablab.config.composition import Composition
from ablab.config.yaml_file import read_text, read_yaml

_HYDRAS = "# @package"  # a first line that sends a YAML elsewhere than to its axis


class Exchange:
    """Puts components in the place of a composition's, which takes Hydra a quarter of a second.

    Where a component's YAML stands alone, and neither the sweep nor an override has anything to
    say of its axis, another YAML in its place is all that composing anew would change.

    Args:
        base: the composition.
        overrides: what it was composed with.
        sweep: likewise.
    """

    def __init__(self, base: Composition, overrides: Sequence[str], sweep: str) -> None:
        keys = [override.split("=", 1)[0].strip() for override in overrides]
        spoken_of = {key.split(".")[0] for key in keys} | set(read_yaml(sweep_names()[sweep]))
        self._base, self._axes = base, set(AXES) - spoken_of

    def __call__(self, choices: Mapping[str, str]) -> Composition | None:
        """Return the composition with ``choices``, axis to component; None: only Hydra can tell."""
        nodes = {axis: _alone(axis, name) for axis, name in choices.items()}
        if not all(nodes.values()) or not all(self._is_plain(axis) for axis in choices):
            return None
        config = self._base.config.copy()
        for axis, node in nodes.items():
            config[axis] = node
        return Composition(config, {**self._base.choices, **choices}, self._base.sweep)

    def _is_plain(self, axis: str) -> bool:
        """Tell whether an axis holds what its YAML says, and no word of anybody else."""
        if axis not in self._axes:
            return False
        own = _alone(axis, self._base.choices[axis])
        return own is not None and own == OmegaConf.to_container(self._base.config[axis])


def _alone(axis: str, name: str) -> dict[Any, Any] | None:
    """Return what a component's YAML holds, None where it is not all there is to the component."""
    path = components(axis).get(name)
    if path is None or _HYDRAS in read_text(path):
        return None
    content = read_yaml(path)
    return None if "defaults" in content else content
