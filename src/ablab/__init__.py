"""ablab: an ablation lab for convolutional networks."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load what `ablab.api` offers when it is first asked for: torch takes seconds."""
    from importlib import import_module

    if name.startswith("_"):
        raise AttributeError(f"module 'ablab' has no attribute {name!r}")
    api = import_module("ablab.api")
    if name in api.__all__:
        return getattr(api, name)
    raise AttributeError(f"module 'ablab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return ["__version__", "classifier", "datamodule"]
