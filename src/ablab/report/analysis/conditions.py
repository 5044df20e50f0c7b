"""The conditions under which trials ran: whether times and memory compare, and the machine's load.

Times are compared if processor, GPU, threads, processes, and the number of trials side by side
agree. A condition that a trial did not record does not count as different.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from ablab.formatting import join_all
from ablab.report.analysis.trials import TRAINED, Row

BUSY = 0.9  # CPU time of a training process over wall time; about 1 on an idle machine


def why_untimed(rows: Sequence[Row]) -> str:
    """Return how the conditions differ, so that times do not compare; empty if they agree.

    Example: ``on different hardware``, ``beside more or fewer others``.
    """
    return join_all([phrase for phrase, _ in _differing(rows)])


def conditions(rows: Sequence[Row]) -> Counter[str]:
    """Return the number of trained trials under each combination of the differing conditions."""
    differing = [condition for _, condition in _differing(rows)]
    texts = (", ".join(filter(None, (of(row) for of in differing))) for row in _trained(rows))
    return Counter(sorted(text or "not recorded" for text in texts))


def load_note(rows: Sequence[Row]) -> str:
    """Return a note on trials that had to share their processor; empty if none had.

    A trial that waits for nothing uses a processor all the time. If other processes compete for
    the processors, it gets only a part of the time.
    """
    shares = [row.metrics.get("cpu_utilization", math.nan) for row in _trained(rows)]
    known = [share for share in shares if math.isfinite(share)]
    waited = [share for share in known if share < BUSY]
    if not waited:
        return ""
    one = len(waited) == 1
    return (
        f"The machine was busy: {len(waited)} of {len(known)} trials got a processor for less than "
        f"{BUSY:.0%} of their training time ({median(waited):.0%} of it"
        f"{'' if one else ' at the median of these'}), so {'its' if one else 'their'} seconds "
        "are higher, and images/s lower, than on an idle machine."
    ).replace("%", " %")


def _differing(rows: Sequence[Row]) -> list[tuple[str, Callable[[Row], str]]]:
    """Return the conditions that differ among trials that recorded them, with a phrase for each."""
    trained = _trained(rows)
    return [
        (phrase, condition)
        for phrase, condition in _CONDITIONS.items()
        if len({value for value in map(condition, trained) if value}) > 1
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
    """Return how many trials ran side by side; a trial without an entry ran alone."""
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
