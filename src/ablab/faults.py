"""Faults of a configuration, all raised at once."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ablab.advice import remove_advice
from ablab.errors import InputError, resource_error
from ablab.text import LONGEST_FAULT, escape_controls, format_name, shorten

_GOT = " got "
_MOST = 100  # faults in one message


class ConfigError(InputError):
    """An invalid configuration of a trial or a sweep.

    Attributes:
        faults: at most 101, each ``<key> must be <rule>, got <value>`` and on one line.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        lines = [_line(fault) for fault in faults[:_MOST]]
        left = len(faults) - len(lines)
        more = [f"further faults must be fixed as well, got {left:,} more"]
        self.faults = (*lines, *(more if left else ()))
        super().__init__("\n".join(self.faults))


def _line(fault: str) -> str:
    """Return a fault on one line, with a blank value in quotes."""
    rule, got, value = fault.rpartition(_GOT)
    if got and not value.strip():
        fault = f"{rule}{got}{value!r}"
    return shorten(escape_controls(fault), LONGEST_FAULT)


class ComponentError(InputError):
    """A component that cannot be built.

    Attributes:
        axis: of the component.
    """

    def __init__(self, axis: str, error: Exception, hint: str = "") -> None:
        self.axis = axis
        match = isinstance(error, ValueError) and re.match(r"[\w.]+ must ", str(error))
        if match and ("." in match[0] or match[0] == f"{axis} must "):
            super().__init__(str(error))
        elif match:
            super().__init__(f"{axis}.{error}")
        else:
            got = f"{type(error).__name__}: {format_error(error)}{hint}"
            super().__init__(f"{axis} must be buildable, got {got}")


@contextmanager
def component_errors(
    axis: str, keep: type[InputError] = ComponentError, hint: Callable[[], str] = str
) -> Iterator[None]:
    """Raise an exception of the block as a fault of the component.

    Args:
        axis: of the component.
        keep: errors that are raised unchanged, as are those of the machine's resources.
        hint: addition to the message of a `TypeError`.

    Raises:
        ComponentError: for any other exception.
    """
    try:
        yield
    except keep:
        raise
    except Exception as error:
        if resource_error(error) is not None:
            raise
        more = hint() if isinstance(error, TypeError) else ""
        raise ComponentError(axis, error, more) from error


def unknown_name(key: str, names: Iterable[str], got: Any) -> str:
    """Return the fault of a name that is not in ``names``, with the closest match."""
    names = sorted(names)
    key, value = format_name(key), format_name(got)
    if not names:
        return f"{key} must be omitted: there is nothing to set, got {value}"
    near = difflib.get_close_matches(value, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{key} must be one of {', '.join(map(format_name, names))}; got {value}{hint}"


def format_error(error: BaseException) -> str:
    """Return an error's message, or its type where the message is empty.

    Without the C++ frames that torch appends, and without advice (see `ablab.advice`).
    """
    own = str(error).partition("\nException raised from")[0]
    return remove_advice(own).strip() or type(error).__name__


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message (see `format_error`)."""
    return format_error(error).splitlines()[0]
