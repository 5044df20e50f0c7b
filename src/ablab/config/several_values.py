"""Hydra's multirun notation: overrides with several values, ``activation=relu,tanh``."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from hydra.core.override_parser.types import Glob, Override, RangeSweep
from hydra.errors import HydraException

from ablab.bounds import TRIALS
from ablab.config.overrides import form_faults, keys_of, parse, quoted_override, read_override
from ablab.text import format_name

Names = Callable[[str], Collection[str]]


def split_sweeps(
    overrides: Sequence[str], names: Names
) -> tuple[list[str], dict[str, list[Any]], list[str]]:
    """Return the overrides of one value, the values of each other key, and the faults.

    Args:
        overrides: in Hydra's notation: ``a,b``, ``choice(a,b)``, ``range(1,5)``, ``glob(*)``.
        names: from a group of the configuration to its components; empty for another key.

    Example:
        >>> split_sweeps(["seed=range(3)", "batch_size=64"], lambda _group: ())
        (['batch_size=64'], {'seed': [0, 1, 2]}, [])
    """
    fixed, swept, faults = list[str](), dict[str, list[Any]](), list[str]()
    for text in overrides:
        override = read_override(text)
        if isinstance(override, str) or not override.is_sweep_override():
            fixed.append(text)  # its faults are those of any trial's
        elif wrong := form_faults(override, text):
            faults += wrong
        else:
            values, wrong = _values(override, text, names)
            swept[override.key_or_group] = values
            faults += wrong
    given = [key for text in overrides for key in keys_of([text])]
    faults += [
        f"{key} must be set once, got {given.count(key)} overrides of it"
        for key in swept
        if given.count(key) > 1
    ]
    return fixed, swept, faults


def _values(override: Override, text: str, names: Names) -> tuple[list[Any], list[str]]:
    """Return the values of an override, and its faults."""
    key, got = override.key_or_group, format_name(text.partition("=")[2])
    if not override.is_discrete_sweep():
        return [], [f"{key} must be values that can be listed, got {got}"]
    try:
        texts = list(islice(_texts(override, names), TRIALS.most + 1))
    except (HydraException, ValueError, TypeError):  # of a range with a step of 0
        return [], [f"{key} must be values that can be listed, got {got}"]
    if not texts:
        return [], [f"{key} must have at least one value, got {got}, which has none"]
    if wrong := TRIALS.fault(key, len(texts), of=text.partition("=")[2]):
        return [], wrong
    parsed, faults = parse(texts)
    values = [each.value() for each in parsed]
    faults += [
        f"{key} must be distinct values, got {format_name(value)} twice"
        for number, value in enumerate(values)
        if value in values[:number]
    ]
    return values, faults


def _texts(override: Override, names: Names) -> Iterator[str]:
    """Yield one override of a single value for each value."""
    key, value = override.key_or_group, override.value()
    if isinstance(value, Glob):
        found = value.filter(sorted(names(key)))
        yield from filter(None, (quoted_override(key, name) for name in found))
        return
    if isinstance(value, RangeSweep):
        value.shuffle = False  # Hydra would list the whole range, however long
    yield from (f"{key}={each}" for each in override.sweep_string_iterator())
