"""Allowed values of a component's hyper-parameters: by name, by annotation and by size.

Components of ours check their own values when they are built. The rules by name are for torch's
classes, which check few of theirs.
"""

import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from ablab.bounds import ITERATIONS, LAYERS, PIXELS, Bound
from ablab.config.content import is_integer, is_number
from ablab.text import format_value

Rule = tuple[str, Callable[[Any], bool]]  # in words, and whether a value satisfies it

_TYPES = {bool: "true or false", int: "an integer", float: "a number", str: "text"}


def is_positive(value: Any) -> bool:
    """Return whether a value is a finite number > 0."""
    return is_number(value) and bool(value > 0)


_POSITIVE: Rule = ("a number > 0", is_positive)
_NOT_NEGATIVE: Rule = ("a number >= 0", lambda v: is_number(v) and v >= 0)
_FRACTION: Rule = ("a number in [0, 1)", lambda v: is_number(v) and 0 <= v < 1)
_BETAS: Rule = (
    "two numbers in [0, 1)",
    lambda v: isinstance(v, list) and len(v) == 2 and all(is_number(b) and 0 <= b < 1 for b in v),
)
_BY_NAME: Mapping[str, Rule] = {
    "lr": _POSITIVE,
    "weight_decay": _NOT_NEGATIVE,
    "momentum": _FRACTION,
    "dampening": _FRACTION,
    "rho": _FRACTION,
    "betas": _BETAS,
    "beta": _POSITIVE,
    "eps": _POSITIVE,
    "lr_decay": _NOT_NEGATIVE,
    "initial_accumulator_value": _NOT_NEGATIVE,
    "negative_slope": _NOT_NEGATIVE,
    "alpha": _POSITIVE,
    "label_smoothing": ("a number in [0, 1]", lambda v: is_number(v) and 0 <= v <= 1),
    "factor": _POSITIVE,
    "patience": ("an integer >= 0", lambda v: is_integer(v) and v >= 0),
    "total_iters": ("an integer >= 0", lambda v: is_integer(v) and v >= 0),
    "init": ("a number", is_number),
}
# Upper bounds of what is built or repeated one by one, by axis and name.
_SIZES: Mapping[str, Mapping[str, Bound]] = {
    "architecture": dict.fromkeys(
        ("depth", "layers", "blocks", "widths", "channels", "delays"), LAYERS
    ),
    "optimizer": dict.fromkeys(("max_iter", "ns_steps", "history_size"), ITERATIONS),
    "dataset": {"image_size": PIXELS},
    "augmentation": {"padding": PIXELS},
}
_ONE_LAYER_EACH = ("widths", "channels", "delays")  # each item is one layer; other lists are summed


def hyperparameter_faults(
    axis: str, target: Callable[..., Any], values: Mapping[str, Any]
) -> list[str]:
    """Return the faults of a component's hyper-parameters.

    Args:
        axis: the component's, for the message.
        target: class or builder that takes the hyper-parameters; its annotations are applied.
        values: hyper-parameters by name.
    """
    faults = []
    parameters = inspect.signature(target).parameters
    is_ours = target.__module__.startswith("ablab.")
    for name, value in values.items():
        rule = None if is_ours else _BY_NAME.get(name)
        if rule is None and name in parameters:
            rule = _annotation_rule(parameters[name].annotation)
        broken = [r for r in (rule, _JSON) if r is not None and not r[1](value)]
        faults += [
            f"{axis}.{name} must be {words}, got {format_value(value)}" for words, _ in broken[:1]
        ]
    return faults


def named_faults(axis: str, values: Mapping[str, Any]) -> list[str]:
    """Return the faults of hyper-parameters of torch's classes by their rules by name alone."""
    rules = [(name, value, _BY_NAME[name]) for name, value in values.items() if name in _BY_NAME]
    return [
        f"{axis}.{name} must be {words}, got {format_value(value)}"
        for name, value, (words, holds) in rules
        if not holds(value)
    ]


def size_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the faults of sizes above their bounds; values of a wrong type are skipped."""
    faults = []
    for axis, bounds in _SIZES.items():
        node = config.get(axis)
        for name, value in node.items() if isinstance(node, Mapping) else ():
            size = _size(name, value)
            if name in bounds and size is not None:
                faults += bounds[name].fault(f"{axis}.{name}", size)
    return faults


def _size(name: str, value: Any) -> int | None:
    """Return the number of layers, iterations or pixels, None for a value without one."""
    if name in _ONE_LAYER_EACH:
        return len(value) if isinstance(value, list) else None
    if isinstance(value, list):
        return sum(value) if all(is_integer(v) for v in value) else None
    return int(value) if is_integer(value) else None


def _survives_json(value: Any) -> bool:
    """Return whether a value is unchanged after it is written as JSON and read back."""
    if isinstance(value, dict):
        return all(isinstance(k, str) and _survives_json(inner) for k, inner in value.items())
    if isinstance(value, list):
        return all(map(_survives_json, value))
    if isinstance(value, float):
        return not math.isnan(value)
    return value is None or isinstance(value, bool | int | str)


# Trials are stored as JSON: a value that changes there would train another trial.
_JSON: Rule = (
    "null, true, false, a number, text, or a list or mapping of these with text keys",
    _survives_json,
)


def _annotation_rule(annotation: Any) -> Rule | None:
    """Return the rule of a `Literal` or of plain types, None for any other annotation."""
    if typing.get_origin(annotation) is typing.Literal:
        names = typing.get_args(annotation)
        return f"one of {', '.join(map(str, names))}", lambda value: value in names
    expected = _plain_types(annotation)
    if expected is None:
        return None
    words = " or ".join("null" if t is types.NoneType else _TYPES[t] for t in expected)
    return words, lambda value: _is_of(value, expected)


def _plain_types(annotation: Any) -> tuple[type, ...] | None:
    """Return the plain types of an annotation, None if it has others."""
    if annotation in _TYPES:
        return (annotation,)
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        members = typing.get_args(annotation)
        if all(m in _TYPES or m is types.NoneType for m in members):
            return members
    return None


def _is_of(value: Any, expected: tuple[type, ...]) -> bool:
    """Return whether a value has one of the types; an integer is a float, a bool is neither."""
    if isinstance(value, bool):
        return bool in expected
    if isinstance(value, int):
        return int in expected or float in expected
    return isinstance(value, expected)
