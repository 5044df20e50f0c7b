"""ablab: an ablation lab for convolutional networks."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

__version__ = "0.1.0"
_MODULES = {  # public name to module; `__init__.pyi` declares the same to type checkers
    "train": "ablab.api.training",
    "compare": "ablab.api.comparing",
    "list": "ablab.api.listing",
    "classifier": "ablab.api.modules",
    "datamodule": "ablab.api.modules",
    "load": "ablab.api.models",
}
_FOLDERS = ("report", "sweep")


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: importing torch takes seconds."""
    if name in _FOLDERS:
        return import_module(f"ablab.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module 'ablab' has no attribute {name!r}")
    # By name, not by an import statement: importing `ablab` must not import `ablab.api`.
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> Sequence[str]:
    return ["__version__", *_MODULES, *_FOLDERS]
