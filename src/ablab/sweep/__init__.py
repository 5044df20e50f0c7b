"""From a question to its trained trials; called, it is `ablab.api.sweeping.sweep`.

`ablab.sweep` is this package as soon as any module of it is imported, so no function of that
name could stand beside it in `ablab`. Python lets a module have a class of its own for such
cases: the package itself can be called, whatever was imported before. Type checkers read the
function of `ablab/__init__.pyi` instead.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that runs a sweep where it is called."""

    def __call__(
        self,
        name: str,
        *overrides: str,
        offline: bool = False,
        rerun_changed: bool = False,
        allow: str | Sequence[str] = (),
        quiet: bool = False,
        **choices: Any,
    ) -> Any:
        options = {"offline": offline, "rerun_changed": rerun_changed, "allow": allow}
        function = import_module("ablab.api.sweeping").sweep  # with torch
        return function(name, *overrides, quiet=quiet, **options, **choices)


sys.modules[__name__].__class__ = _Callable
