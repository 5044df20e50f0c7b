"""Under which conditions trials ran: whether their times and memory compare, and how busy it was.

Times are compared where processor, GPU, threads, processes, and trials side by side agree. What a
trial did not record differs from nothing.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from ablab.report.analysis.trials import TRAINED, Row
from ablab.report.formatting import series

BUSY = 0.9  # of a training process's time on a processor; an idle machine gives it all


def why_untimed(rows: Sequence[Row]) -> str:
    """Return how the conditions differ, so that times do not compare; empty where they agree.

    Example: ``on different hardware``, ``beside more or fewer others``.
    """
    return series([how for how, _ in _differing(rows)])


def conditions(rows: Sequence[Row]) -> Counter[str]:
    """Return how many trained trials ran under each combination of what differs."""
    told = [fact for _, fact in _differing(rows)]
    found = (", ".join(filter(None, (fact(row) for fact in told))) for row in _trained(rows))
    return Counter(sorted(text or "not recorded" for text in found))


def load_note(rows: Sequence[Row]) -> str:
    """Return how many trials the machine kept waiting, and how long; empty for none.

    A trial that computes and waits for nothing is on a processor all the time; where others want
    the processors too, it is there for a part of the time alone.
    """
    shares = [row.figures.get("cpu_utilization", math.nan) for row in _trained(rows)]
    known = [share for share in shares if math.isfinite(share)]
    waited = [share for share in known if share < BUSY]
    if not waited:
        return ""
    one = len(waited) == 1
    return (
        f"The machine was busy: {len(waited)} of {len(known)} trials got a processor for less than "
        f"{BUSY:.0%} of their time in training ({median(waited):.0%} of it"
        f"{'' if one else ' in the middle one of these'}), so {'its' if one else 'their'} seconds "
        "are more, and images/s less, than on an idle machine."
    ).replace("%", " %")


def _differing(rows: Sequence[Row]) -> list[tuple[str, Callable[[Row], str]]]:
    """Return what differs among the trials that recorded it: in words, and as a trial has it."""
    trained = _trained(rows)
    return [
        (how, fact)
        for how, fact in _CONDITIONS.items()
        if len({value for value in map(fact, trained) if value}) > 1
    ]


def _machine(row: Row) -> str:
    names = (row.environment.get(name) for name in ("cpu", "gpu"))
    return ", ".join(str(name) for name in names if name)


def _threads(row: Row) -> str:
    threads = row.environment.get("threads")
    return f"threads: {threads}" if threads else ""


def _processes(row: Row) -> str:
    devices = row.environment.get("devices")
    if not isinstance(devices, Mapping) or "devices" not in devices:
        return ""
    return f"processes: {devices['devices']}"


def _beside(row: Row) -> str:
    """Return how many ran side by side; one that says nothing of it ran alone."""
    slots = row.environment.get("slots") or (1 if row.environment.get("cpu") else 0)
    return f"{slots} side by side" if slots else ""


def _trained(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.outcome in TRAINED]


_CONDITIONS: Mapping[str, Callable[[Row], str]] = {
    "on different hardware": _machine,
    "with other numbers of threads": _threads,
    "in other numbers of processes": _processes,
    "beside more or fewer others": _beside,
}
