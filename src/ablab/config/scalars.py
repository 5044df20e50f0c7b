"""Allowed values outside the components: seed, batch size, data, trainer, devices, launcher."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from ablab.bounds import EPOCHS, FUSED_TRIALS, IMAGES, PROCESSES, RETRIES, STRENGTHS, THREADS, Bound
from ablab.config.content import is_integer as _integer
from ablab.config.content import is_number as _number
from ablab.config.content import value_at
from ablab.config.hyperparameters import Rule, is_positive
from ablab.data.settings import FULL, SHUFFLES
from ablab.text import format_value


def _ascending(values: Any, holds: Callable[[Any], bool]) -> bool:
    """Return whether a value is a list of strictly ascending numbers that each satisfy a rule.

    Ascending, so that one set of strengths has one key.
    """
    if not isinstance(values, list) or not all(_number(v) and holds(v) for v in values):
        return False
    return all(first < second for first, second in itertools.pairwise(values))


BACKENDS = ("torch", "by_hand", "fused")
_SECONDS: Rule = (
    "a number of seconds > 0 or null",
    lambda v: v is None or is_positive(v),
)
_COUNT: Rule = ("an integer >= 1 or null", lambda v: v is None or (_integer(v) and v >= 1))
SEED: Rule = ("an integer >= 0", lambda v: _integer(v) and v >= 0)
_SCALARS: Mapping[str, Rule] = {
    "seed": SEED,
    "backend": (f"one of {', '.join(BACKENDS)}", lambda v: v in BACKENDS),
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
    "data.test_noise": ("a list of numbers > 0, ascending", lambda v: _ascending(v, is_positive)),
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
# Keys that only some members of a group have.
_OPTIONAL: Mapping[str, Rule] = {
    "launcher.slots": (
        "an integer >= 1 or auto",
        lambda v: v == "auto" or (_integer(v) and v >= 1),
    ),
    "devices.cuda_graph": ("true or false", lambda v: isinstance(v, bool)),
    "launcher.fuse": (
        "an integer >= 1 or auto",
        lambda v: v == "auto" or (_integer(v) and v >= 1),
    ),
    "launcher.per_gpu": ("an integer >= 1", lambda v: _integer(v) and v >= 1),
    "launcher.gpus": ("a number >= 0", lambda v: _number(v) and v >= 0),
    "launcher.cpus": (
        "an integer >= 1 or auto",
        lambda v: v == "auto" or (_integer(v) and v >= 1),
    ),
    "launcher.memory_gb": ("a number > 0 or null", lambda v: v is None or is_positive(v)),
    "launcher.time_minutes": ("an integer >= 1", lambda v: _integer(v) and v >= 1),
    "launcher.max_jobs": ("an integer >= 1", lambda v: _integer(v) and v >= 1),
    "launcher.requeues": ("an integer >= 0", lambda v: _integer(v) and v >= 0),
    "launcher.node_retries": ("an integer >= 0", lambda v: _integer(v) and v >= 0),
    "launcher.extra": ("a mapping", lambda v: isinstance(v, Mapping)),
    "launcher.time_limit": _SECONDS,
    "launcher.start_limit": _SECONDS,
    "launcher.max_failures": _COUNT,
}
# Upper bounds; of a list, of its length.
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
    "launcher.fuse": FUSED_TRIALS,
    "launcher.per_gpu": PROCESSES,
    "launcher.gpus": PROCESSES,
    "launcher.cpus": THREADS,
    "launcher.requeues": RETRIES,
    "launcher.node_retries": RETRIES,
    "launcher.threads": THREADS,
    "launcher.retries": RETRIES,
    "probes.num_images": IMAGES,
}


def scalar_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the faults of the configuration's values outside the components."""
    faults = [
        f"{key} must be {rule}, got {format_value(value_at(config, key))}"
        for key, (rule, holds) in {**_SCALARS, **_OPTIONAL}.items()
        if (key in _SCALARS or _has(config, key)) and not holds(value_at(config, key))
    ]
    for key, bound in _BOUNDS.items():
        value = value_at(config, key)
        count = len(value) if isinstance(value, list) else value
        faults += bound.fault(key, count) if _integer(count) else []
    return faults


def freeze_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the faults of ``freeze`` that can be found without a network."""
    value = config.get("freeze")
    if value is None:
        return []
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        return [f"freeze must be a pattern of names, a list of patterns, or null, got {value!r}"]
    if config.get("backend") == "by_hand":
        return [f"freeze must be null for backend=by_hand, got {value}"]
    return []


def _has(config: Mapping[str, Any], key: str) -> bool:
    parent, _, leaf = key.rpartition(".")
    node = value_at(config, parent)
    return isinstance(node, Mapping) and leaf in node
