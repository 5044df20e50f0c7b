"""Faults of a configuration, all told at once."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any


class ConfigError(ValueError):
    """A configuration that cannot be a trial or a sweep.

    Attributes:
        faults: every fault found, each ``<key> must be <rule>, got <value>``.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def one_of(key: str, names: Iterable[str], got: Any) -> str:
    """Return the fault of a name that is not among ``names``, with the nearest one."""
    names = sorted(names)
    near = difflib.get_close_matches(str(got), names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{key} must be one of {', '.join(names)}; got {got}{hint}"
