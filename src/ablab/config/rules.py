"""Which values a hyper-parameter may take, by its name: torch's classes check few of theirs.

A component of ours states its own rules where it is built; these hold for torch's, and for the
words that every optimizer, activation or layer means alike.
"""

import inspect
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from ablab.bounds import EPOCHS, IMAGES, PROCESSES, RETRIES, STRENGTHS, THREADS, Bound
from ablab.config.annotations import PLAIN, Rule, annotated
from ablab.config.content import is_integer as _integer
from ablab.config.content import is_number as _number
from ablab.data.order import FULL, SHUFFLES
from ablab.text import shown, shown_name


def _is_positive(value: Any) -> bool:
    return _number(value) and bool(value > 0)


def _ascending(values: Any, holds: Callable[[Any], bool]) -> bool:
    """Tell a list of rising numbers that each keep a rule: one set of strengths, one key."""
    if not isinstance(values, list) or not all(_number(v) and holds(v) for v in values):
        return False
    return all(first < second for first, second in itertools.pairwise(values))


_POSITIVE: Rule = ("a number > 0", _is_positive)
_NOT_NEGATIVE: Rule = ("a number >= 0", lambda v: _number(v) and v >= 0)
_FRACTION: Rule = ("a number in [0, 1)", lambda v: _number(v) and 0 <= v < 1)
_SHARE: Rule = ("a number in [0, 1]", lambda v: _number(v) and 0 <= v <= 1)
_BETAS: Rule = (
    "two numbers in [0, 1)",
    lambda v: isinstance(v, list) and len(v) == 2 and all(_number(b) and 0 <= b < 1 for b in v),
)
_COUNT: Rule = ("an integer >= 1 or null", lambda v: v is None or (_integer(v) and v >= 1))
_HYPERPARAMETERS: Mapping[str, Rule] = {
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
    "label_smoothing": _SHARE,
    "factor": _POSITIVE,
    "patience": ("an integer >= 0", lambda v: _integer(v) and v >= 0),
    "total_iters": ("an integer >= 0", lambda v: _integer(v) and v >= 0),
    "init": ("a number", _number),
}
_SCALARS: Mapping[str, Rule] = {
    "seed": ("an integer >= 0", lambda v: _integer(v) and v >= 0),
    "backend": ("one of torch, by_hand", lambda v: v in ("torch", "by_hand")),
    "batch_size": ("an integer >= 1 or full", lambda v: v == FULL or (_integer(v) and v >= 1)),
    "data.train_images": _COUNT,
    "data.val_images": _COUNT,
    "data.test_images": _COUNT,
    "data.standardize": ("true or false", lambda v: isinstance(v, bool)),
    "data.permute_pixels": ("true or false", lambda v: isinstance(v, bool)),
    "data.shuffle": (f"one of {', '.join(SHUFFLES)}", lambda v: v in SHUFFLES),
    "data.test_shift": (
        "a list of integers >= 1, ascending",
        lambda v: _ascending(v, lambda s: _integer(s) and s >= 1),
    ),
    "data.test_noise": ("a list of numbers > 0, ascending", lambda v: _ascending(v, _is_positive)),
    "data.test_brightness": (
        "a list of numbers in [-1, 1], none of them 0, ascending",
        lambda v: _ascending(v, lambda s: 0 < abs(s) <= 1),
    ),
    "data.test_contrast": (
        "a list of numbers >= 0, none of them 1, ascending",
        lambda v: _ascending(v, lambda s: 0 <= s != 1),
    ),
    "trainer.max_epochs": ("an integer >= 1", lambda v: _integer(v) and v >= 1),
    "trainer.precision": (
        "one of 32-true, 64-true, bf16-true, bf16-mixed, 16-mixed",
        lambda v: v in ("32-true", "64-true", "bf16-true", "bf16-mixed", "16-mixed"),
    ),
    "trainer.gradient_clip_val": (
        "a number > 0 or null",
        lambda v: v is None or (_number(v) and v > 0),
    ),
    "devices.accelerator": (
        "one of auto, cpu, gpu, cuda, mps",
        lambda v: v in ("auto", "cpu", "gpu", "cuda", "mps"),
    ),
    "devices.devices": (
        "an integer >= 1, or -1 for all",
        lambda v: _integer(v) and (v >= 1 or v == -1),
    ),
    "devices.strategy": ("one of auto, ddp", lambda v: v in ("auto", "ddp")),
    "tracking.deliver": ("true or false", lambda v: isinstance(v, bool)),
    "launcher.threads": (
        "an integer >= 1 or auto",
        lambda v: v == "auto" or (_integer(v) and v >= 1),
    ),
    "launcher.retries": ("an integer >= 0", lambda v: _integer(v) and v >= 0),
}
# Rules of keys that one member of a group has and another has not.
_OPTIONAL: Mapping[str, Rule] = {
    "launcher.slots": (
        "an integer >= 1 or auto",
        lambda v: v == "auto" or (_integer(v) and v >= 1),
    ),
}
# The most of those that have no upper end by themselves: of a list, the most strengths in it.
_BOUNDS: Mapping[str, Bound] = {
    "batch_size": IMAGES,
    "data.train_images": IMAGES,
    "data.test_shift": STRENGTHS,
    "data.test_noise": STRENGTHS,
    "data.test_brightness": STRENGTHS,
    "data.test_contrast": STRENGTHS,
    "trainer.max_epochs": EPOCHS,
    "devices.devices": PROCESSES,
    "launcher.slots": PROCESSES,
    "launcher.threads": THREADS,
    "launcher.retries": RETRIES,
    "probes.num_images": IMAGES,
}


def scalar_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the faults of the configuration's values outside the components."""
    faults = [
        f"{key} must be {rule}, got {shown(_value(config, key))}"
        for key, (rule, holds) in {**_SCALARS, **_OPTIONAL}.items()
        if (key in _SCALARS or _has(config, key)) and not holds(_value(config, key))
    ]
    faults += _bound_faults(config)
    faults += _by_hand_faults(config)
    clips = _value(config, "trainer.gradient_clip_val") is not None
    if clips and _value(config, "trainer.precision") == "16-mixed":
        fused = _value(config, "optimizer.fused")
        if fused:
            faults.append(
                "optimizer.fused must be false where trainer.precision is 16-mixed and "
                f"trainer.gradient_clip_val is set, got {fused}"
            )
    return faults


def _bound_faults(config: Mapping[str, Any]) -> list[str]:
    """Return what is more than this program was made for."""
    faults = []
    for key, bound in _BOUNDS.items():
        value = _value(config, key)
        count = len(value) if isinstance(value, list) else value
        faults += bound.fault(key, count) if _integer(count) else []
    return faults


def _by_hand_faults(config: Mapping[str, Any]) -> list[str]:
    """Return what gradients by hand cannot be combined with: they are one process's, in numpy."""
    if _value(config, "backend") != "by_hand":
        return []
    allowed = {"trainer.precision": ("32-true", "64-true"), "devices.strategy": ("auto",)}
    return [
        f"{key} must be {' or '.join(words)} for backend=by_hand, got {shown_name(value)}"
        for key, words in allowed.items()
        if (value := _value(config, key)) not in words
    ]


def hyperparameter_faults(
    axis: str, target: Callable[..., Any], values: Mapping[str, Any]
) -> list[str]:
    """Return the faults of a component's hyper-parameters that their names or types tell.

    Args:
        axis: the component's, for the message.
        target: what the hyper-parameters are for; its annotations are heeded.
        values: hyper-parameters by name.
    """
    faults = []
    parameters = inspect.signature(target).parameters
    own = target.__module__.startswith("ablab.")
    for name, value in values.items():
        rule = None if own else _HYPERPARAMETERS.get(name)
        if rule is None and name in parameters:
            rule = annotated(parameters[name].annotation)
        broken = [r for r in (rule, PLAIN) if r is not None and not r[1](value)]
        faults += [f"{axis}.{name} must be {words}, got {shown(value)}" for words, _ in broken[:1]]
    return faults


def _has(config: Mapping[str, Any], key: str) -> bool:
    parent, _, leaf = key.rpartition(".")
    node = _value(config, parent)
    return isinstance(node, Mapping) and leaf in node


def _value(config: Mapping[str, Any], key: str) -> Any:
    node: Any = config
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node
