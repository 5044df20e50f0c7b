"""Functions whose work a block of code may have done elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Delegated(Generic[T, *Ts]):
    """Calls a function, or within a block the one that replaces it.

    A function that needs torch is called in this process by default. A command that has not
    imported torch lets another process call it, or finds what it returned before.

    Args:
        function: called outside of such blocks.

    Example:
        >>> double = Delegated(lambda x: 2 * x)
        >>> with double.done_by(lambda x: x + x + 1):
        ...     double(3)
        7
        >>> double(3)
        6
    """

    def __init__(self, function: Callable[[*Ts], T]) -> None:
        self._current = ContextVar("function", default=function)

    def __call__(self, *arguments: *Ts) -> T:
        """Return the function's result."""
        return self._current.get()(*arguments)

    @contextmanager
    def done_by(self, function: Callable[[*Ts], T]) -> Iterator[None]:
        """Call another function instead in the block."""
        token = self._current.set(function)
        try:
            yield
        finally:
            self._current.reset(token)
