"""ablab: an ablation lab for convolutional networks."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
_OFFERED = ("classifier", "datamodule")
_FOLDERS = ("report",)


def __getattr__(name: str) -> Any:
    """Load what `ablab.api` offers when it is first asked for: torch takes seconds."""
    if name in _FOLDERS:
        return import_module(f"ablab.{name}")
    if name not in _OFFERED:
        raise AttributeError(f"module 'ablab' has no attribute {name!r}")
    # By name: whatever imports `ablab` for its version does not import its interface.
    return getattr(import_module("ablab.api"), name)


def __dir__() -> list[str]:
    return ["__version__", *_OFFERED, *_FOLDERS]
