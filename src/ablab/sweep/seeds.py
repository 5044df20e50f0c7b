"""The key ``sweep.seeds``: a count, a list, or looks at growing counts."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ablab.bounds import TRIALS
from ablab.config.content import is_integer, is_number
from ablab.faults import unknown_name
from ablab.text import format_value
from ablab.tracking.spec import SPENDING, Looks

KEYS = ("first", "then", "until", "spending", "futility")
FUTILITY = 0.1
_PATH = "sweep.seeds"
_MOST = 10  # looks; more of them save little


def parse_seeds(value: Any, faults: list[str]) -> tuple[tuple[int, ...], Looks | None]:
    """Return the seeds, those of all looks if there are several, and the looks.

    Args:
        value: of the YAML.
        faults: messages are appended here.
    """
    if isinstance(value, Mapping):
        looks = _looks(value, faults)
        return tuple(range(looks.sizes[-1] if looks else 0)), looks
    return _fixed_seeds(value, faults), None


def _fixed_seeds(value: Any, faults: list[str]) -> tuple[int, ...]:
    count = len(value) if isinstance(value, list) else value
    if is_integer(count) and (too_many := TRIALS.fault("sweep.seeds", count)):
        faults += too_many
        return ()
    if is_integer(value) and value >= 1:
        return tuple(range(value))
    are_seeds = isinstance(value, list) and all(is_integer(s) and s >= 0 for s in value)
    if are_seeds and value and len(set(value)) == len(value):
        return tuple(value)
    faults.append(
        f"sweep.seeds must be a count >= 1 or a list of distinct seeds, got {format_value(value)}"
    )
    return ()


def _looks(value: Mapping[str, Any], faults: list[str]) -> Looks | None:
    """Return the looks of ``sweep.seeds``; of faulty ones None, with ``faults`` appended."""
    before = len(faults)
    faults += [unknown_name(f"{_PATH}.{key}", KEYS, key) for key in value if key not in KEYS]
    sizes = _sizes(value.get("first"), value.get("then"), faults)
    until = value.get("until", "decided")
    if until != "decided":
        faults.append(f"{_PATH}.until must be decided, got {format_value(until)}")
    spending, futility = value.get("spending", "obrien_fleming"), value.get("futility", FUTILITY)
    if not isinstance(spending, str) or spending not in SPENDING:
        rule = f"one of {', '.join(SPENDING)}"
        faults.append(f"{_PATH}.spending must be {rule}, got {format_value(spending)}")
    if futility is not None and not (is_number(futility) and 0 < futility < 1):
        faults.append(
            f"{_PATH}.futility must be a probability in (0, 1), or null, "
            f"got {format_value(futility)}"
        )
    if len(faults) > before:
        return None
    return Looks(sizes, spending, None if futility is None else float(futility))


def _sizes(first: Any, then: Any, faults: list[str]) -> tuple[int, ...]:
    if not is_integer(first) or first < 3:
        faults.append(f"{_PATH}.first must be a count >= 3, got {format_value(first)}")
        first = 0
    are_counts = isinstance(then, list) and bool(then) and all(map(is_integer, then))
    sizes = (first, *then) if are_counts else (first,)
    if not are_counts or any(a >= b for a, b in pairwise(sizes)):
        rule = "a list of counts that grow from first"
        faults.append(f"{_PATH}.then must be {rule}, got {format_value(then)}")
    elif len(sizes) > _MOST:
        faults.append(f"{_PATH}.then must be at most {_MOST - 1} counts, got {len(then)}")
    else:
        faults += TRIALS.fault(f"{_PATH}.then", sizes[-1])
    return sizes
