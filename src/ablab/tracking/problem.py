"""A problem that `ablab doctor` found: what is wrong, what to do, and a fix if that is safe."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something wrong with a lab or its machine.

    Attributes:
        subject: one word: ``damaged``, ``store``, ``leftover``, ``lock``, ``data``, ``cache``,
            ``disk`` or ``device``.
        text: what is wrong and what to do, on one line.
        fix: does it and returns what it did, on one line; None where only the user can decide. It
            must lose nothing that was not abandoned or cannot be recreated.
    """

    subject: str
    text: str
    fix: Callable[[], str] | None = None
