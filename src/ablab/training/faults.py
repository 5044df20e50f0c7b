"""Faults of a configuration, all told at once."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ablab.errors import InputError


class ConfigError(InputError):
    """A configuration that cannot be a trial or a sweep.

    Attributes:
        faults: every fault found, each ``<key> must be <rule>, got <value>``.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class ComponentError(InputError):
    """A component that could not be built.

    Attributes:
        axis: the component's.
    """

    def __init__(self, axis: str, error: Exception) -> None:
        self.axis = axis
        told = isinstance(error, ValueError) and re.match(r"[\w.]+ must ", str(error))
        if told and "." in told[0]:
            super().__init__(str(error))
        elif told:
            super().__init__(f"{axis}.{error}")
        else:
            super().__init__(f"{axis} must be buildable, got {type(error).__name__}: {error}")


def one_of(key: str, names: Iterable[str], got: Any) -> str:
    """Return the fault of a name that is not among ``names``, with the nearest one."""
    names = sorted(names)
    if not names:
        return f"{key} must be left out, where there is nothing to set, got {got}"
    near = difflib.get_close_matches(str(got), names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{key} must be one of {', '.join(names)}; got {got}{hint}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return str(error).strip().splitlines()[0]
