"""ablab: an ablation lab for convolutional networks."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

__version__ = "0.1.0"
_MODULES = {  # what is offered, and where it is; `__init__.pyi` tells type checkers the same
    "train": "ablab.api.training",
    "compare": "ablab.api.comparing",
    "list": "ablab.api.listing",
    "classifier": "ablab.api.modules",
    "datamodule": "ablab.api.modules",
}
_FOLDERS = ("report", "sweep")


def __getattr__(name: str) -> Any:
    """Load what `ablab.api` offers when it is first asked for: torch takes seconds."""
    if name in _FOLDERS:
        return import_module(f"ablab.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'ablab' has no attribute {name!r}")
    # By name: whatever imports `ablab` for its version does not import its interface.
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> Sequence[str]:
    return ["__version__", *_MODULES, *_FOLDERS]
