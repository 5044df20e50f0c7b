"""Faults of a configuration, all told at once."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ablab.advice import without_advice
from ablab.errors import InputError, resource_error
from ablab.text import LONGEST_FAULT, printable, shortened, shown_name

_GOT = " got "
_MOST = 100  # faults of one configuration that are told


class ConfigError(InputError):
    """A configuration that cannot be a trial or a sweep.

    Attributes:
        faults: every fault found, each ``<key> must be <rule>, got <value>`` and on one line.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        told = [_line(fault) for fault in faults[:_MOST]]
        left = len(faults) - len(told)
        more = [f"what else there is must be mended as well, got {left:,} more faults"]
        self.faults = (*told, *(more if left else ()))
        super().__init__("\n".join(self.faults))


def _line(fault: str) -> str:
    """Return a fault on one line, a value of which nothing would be seen in quotes."""
    rule, got, value = fault.rpartition(_GOT)
    if got and not value.strip():
        fault = f"{rule}{got}{value!r}"
    return shortened(printable(fault), LONGEST_FAULT)


class ComponentError(InputError):
    """A component that could not be built.

    Attributes:
        axis: the component's.
    """

    def __init__(self, axis: str, error: Exception, hint: str = "") -> None:
        self.axis = axis
        told = isinstance(error, ValueError) and re.match(r"[\w.]+ must ", str(error))
        if told and ("." in told[0] or told[0] == f"{axis} must "):
            super().__init__(str(error))
        elif told:
            super().__init__(f"{axis}.{error}")
        else:
            got = f"{type(error).__name__}: {worded(error)}{hint}"
            super().__init__(f"{axis} must be buildable, got {got}")


@contextmanager
def component(
    axis: str, keep: type[InputError] = ComponentError, hint: Callable[[], str] = str
) -> Iterator[None]:
    """Let what a component raises in the block be its user's to mend.

    Args:
        axis: the component's.
        keep: errors that say enough as they are.
        hint: what else is said of arguments that do not fit.

    Raises:
        ComponentError: whatever it was, except those, and what the machine lacks.
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


def one_of(key: str, names: Iterable[str], got: Any) -> str:
    """Return the fault of a name that is not among ``names``, with the nearest one."""
    names = sorted(names)
    key, value = shown_name(key), shown_name(got)
    if not names:
        return f"{key} must be left out, where there is nothing to set, got {value}"
    near = difflib.get_close_matches(value, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{key} must be one of {', '.join(map(shown_name, names))}; got {value}{hint}"


def worded(error: BaseException) -> str:
    """Return an error's message, its type where it has none.

    It is without the frames of C++ that torch adds to some, and without advice that does not hold
    here.
    """
    own = str(error).partition("\nException raised from")[0]
    return without_advice(own).strip() or type(error).__name__


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message (see `worded`)."""
    return worded(error).splitlines()[0]
