"""Calls of the classes and functions that a configuration names, by their axis's contract."""

import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from ablab.faults import component_errors
from ablab.model.targets import (
    COMMON_KEYS,
    CONTRACTS,
    contract_arguments,
    dotted_name,
    resolve,
)

if TYPE_CHECKING:
    from ablab.model.layer_streams import LayerStreams

# Attribute of a module in which `Builder` stores its axis.
AXIS = "ablab_axis"
# Contract arguments that an architecture may leave out of its calls.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "pooling": {"kernel_size": 2, "stride": 2, "padding": 0},
    "dropout": {"depth": None},
}


class Builder:
    """Builds a component: its hyper-parameters are bound, its contract's arguments are passed.

    Attributes:
        axis: the component's axis.
        calls: number of calls so far; an axis whose builder is never called is unused.
        target: the dotted name of the component's class or function.
        site: where a dropout acts (see `ablab.components.parts.dropout_at`).
        layer_streams: where initial weights are drawn from during a call, if set.
    """

    layer_streams: "LayerStreams | None" = None

    def __init__(self, axis: str, node: Mapping[str, Any], **bound: Any) -> None:
        self.axis = axis
        self.calls = 0
        self._target = resolve(axis, node["_target_"])
        self.target = dotted_name(self._target)
        self.site: str = getattr(self._target, "site", "units")
        self._bound = bound
        excluded = {"_target_", *COMMON_KEYS.get(axis, ())}
        values = {name: value for name, value in node.items() if name not in excluded}
        # `resolve` has checked the target. Hydra 1.4's `instantiate` also checks what the target
        # returns, and its whitelist cannot name a class that a function of another module builds.
        self._partial: Callable[..., Any] = partial(self._target, **values)
        self._configured = set(values)

    def accepts(self, name: str) -> bool:
        """Return whether the component takes this argument of its contract."""
        return bool(contract_arguments(self.axis, self._target, {name: None}))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Build the component; values in the YAML take precedence.

        Args:
            arguments: the contract's arguments, in its order.
            named: the contract's arguments, by name.

        Raises:
            ComponentError: the component refused a value, or failed.
        """
        self.calls += 1
        given = {
            **self._bound,
            **_DEFAULTS.get(self.axis, {}),
            **dict(zip(CONTRACTS[self.axis], arguments, strict=False)),
            **named,
        }
        accepted = contract_arguments(self.axis, self._target, given)
        passed = {k: v for k, v in accepted.items() if k not in self._configured}
        streams = self.layer_streams.part(self.axis) if self.layer_streams else nullcontext()
        with (
            component_errors(self.axis, hint=lambda: _kwargs_hint(self._target, accepted)),
            streams,
        ):
            built = self._partial(**passed)
        # Without torch, as where a launcher is built, there is no module.
        if (torch := sys.modules.get("torch")) and isinstance(built, torch.nn.Module):
            setattr(built, AXIS, self.axis)
        return built


def _kwargs_hint(target: Callable[..., Any], accepted: Mapping[str, Any]) -> str:
    """Return a hint for a TypeError of a target that got arguments through its ``**kwargs``.

    Args:
        target: the class or function.
        accepted: the contract's arguments that it was called with.

    Returns:
        The end of a sentence, empty if nothing was passed through ``**kwargs``.
    """
    parameters = inspect.signature(target).parameters
    variadic = [name for name, p in parameters.items() if p.kind is p.VAR_KEYWORD]
    extra = [name for name in accepted if name not in parameters]
    if not variadic or not extra:
        return ""
    return (
        f"; {dotted_name(target)} has **{variadic[0]}, so it was called with {', '.join(extra)}: "
        f"replace **{variadic[0]} in its signature by the arguments that it needs"
    )
