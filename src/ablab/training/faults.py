"""Faults of a configuration, all told at once."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ablab.errors import InputError
from ablab.text import LONGEST_FAULT, printable, shortened, shown_name

_MOST = 100  # faults of one configuration that are told


class ConfigError(InputError):
    """A configuration that cannot be a trial or a sweep.

    Attributes:
        faults: every fault found, each ``<key> must be <rule>, got <value>`` and on one line.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        told = [shortened(printable(fault), LONGEST_FAULT) for fault in faults[:_MOST]]
        left = len(faults) - len(told)
        more = [f"what else there is must be mended as well, got {left:,} more faults"]
        self.faults = (*told, *(more if left else ()))
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
    key, value = shown_name(key), shown_name(got)
    if not names:
        return f"{key} must be left out, where there is nothing to set, got {value}"
    near = difflib.get_close_matches(value, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{key} must be one of {', '.join(map(shown_name, names))}; got {value}{hint}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, its type where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
