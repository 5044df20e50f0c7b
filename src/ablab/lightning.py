"""PyTorch Lightning and torchmetrics, imported without what no trial uses.

Their import also imports the compiler of torch, ``scipy.signal`` and matplotlib, and takes twice as
long for it. Lightning needs of them one class for ``isinstance`` and one decorator, torchmetrics a
few classes for annotations. torch itself imports the compiler when an optimizer is created, to hide
methods from it, which has no effect before something is compiled. Here stand-ins serve for all
this, and import the real module as soon as more of it is used. All of ablab gets the three packages
from here.
"""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch  # noqa: F401  has the compiler as an attribute

from ablab.stand_ins import StandIn, is_imported, stand_in_class, stand_ins

__all__ = ["lightning_fabric", "pl", "torchmetrics"]

_COMPILER = "torch._dynamo"


def _disable(function: Any = None, *arguments: Any, **settings: Any) -> Any:
    """Do what ``torch._dynamo.disable`` does, once there is a compiler that could be disabled."""
    if not inspect.isfunction(function):
        return _STAND_IN.real().disable(function, *arguments, **settings)
    disabled: Callable[..., Any] | None = None

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal disabled
        if disabled is None:
            if not is_imported(_COMPILER):
                return function(*args, **kwargs)
            disabled = _STAND_IN.real().disable(function, *arguments, **settings)
        return disabled(*args, **kwargs)

    return call


def _do_nothing(*_: Any) -> None:
    """Do what functions of ``torch._dynamo`` do where nothing is compiled."""


@contextmanager
def _style(*arguments: Any, **settings: Any) -> Iterator[None]:
    """Do what ``matplotlib.pyplot.style.context`` does."""
    with importlib.import_module("matplotlib.pyplot").style.context(*arguments, **settings):
        yield


def _needed_for_import() -> list[StandIn]:
    """Return stand-ins for what the packages import and no trial uses."""
    # torchmetrics adds a function of this name for another package if there is none.
    found = [StandIn("scipy.signal", hamming=None)]
    if "matplotlib" not in sys.modules:
        axes = StandIn("matplotlib.axes", Axes=stand_in_class("matplotlib.axes", "Axes"))
        colors = SimpleNamespace(Colormap=stand_in_class("matplotlib.colors", "Colormap"))
        figure = stand_in_class("matplotlib.figure", "Figure")
        style = SimpleNamespace(context=_style)
        pyplot = StandIn("matplotlib.pyplot", Figure=figure, style=style)
        found += [StandIn("matplotlib", colors=colors), axes, pyplot]
    return found


_STAND_IN = StandIn(
    _COMPILER,
    OptimizedModule=stand_in_class(_COMPILER, "OptimizedModule"),
    disable=_disable,
    graph_break=_do_nothing,
    trace_rules=SimpleNamespace(clear_lru_cache=_do_nothing),  # of processes of DDP
)
if _COMPILER not in sys.modules:
    _STAND_IN.enter()
with stand_ins(_needed_for_import()):
    import lightning_fabric
    import pytorch_lightning as pl
    import torchmetrics
