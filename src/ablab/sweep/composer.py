"""Composes combinations of components, each once."""

from collections.abc import Mapping, Sequence

from ablab.config.compose import compose
from ablab.config.composition import Composition
from ablab.config.swap import swap


class Composer:
    """Composes once for each set of group choices that differ from the base composition.

    Args:
        overrides: those of the base composition.
        base: the base composition.
        sweep: name of the sweep that it belongs to, None without one.
    """

    def __init__(self, overrides: Sequence[str], base: Composition, sweep: str | None) -> None:
        self._overrides, self._base, self._sweep = tuple(overrides), base, sweep
        self._made: dict[tuple[str, ...], Composition] = {(): base}

    def __call__(self, choices: Mapping[str, str]) -> Composition:
        """Return the composition with ``choices``, group to component, over the overrides."""
        new = {k: v for k, v in choices.items() if self._base.choices.get(k) != v}
        changes = tuple(f"{group}={name}" for group, name in new.items())
        if changes not in self._made:
            self._made[changes] = swap(self._base, new) or compose(
                (*self._overrides, *changes), sweep=self._sweep
            )
        return self._made[changes]
