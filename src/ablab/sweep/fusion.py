"""Which jobs train together in one process (``backend=fused``), and how many."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablab.config.delegated import Delegated
from ablab.config.fused import FUSED, fused_signature
from ablab.config.threads import cpu_threads
from ablab.sweep.job import Job
from ablab.text import format_count


@dataclass(frozen=True)
class StepSeconds:
    """CPU seconds of a step and trial, 0 on another device than the CPU.

    Attributes:
        alone: of a trial that trains alone.
        together: of one of several trials in a process.
    """

    alone: float
    together: float


_LARGEST = 8  # trials that `auto` lets train together


class Fusion:
    """Says which waiting jobs a job trains together with.

    Args:
        sizes: largest number of trials that train together, by their signature.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._signatures: dict[str, str] = {}  # by key: thousands are compared

    def companions(self, job: Job, waiting: Sequence[Job], free: int) -> list[Job]:
        """Return the jobs that start together with a job.

        They are as many as leave no slot without work. A job whose process was killed starts alone,
        so that one which is killed again takes no other with it.

        Args:
            job: starts now.
            waiting: the others that wait, in the order in which they start.
            free: number of slots without a process, that of the job included.
        """
        if not self._sizes:
            return []
        own = self._signature(job)
        size = self._sizes.get(own, 1)
        if size == 1:
            return []
        alike = [other for other in waiting if self._signature(other) == own]
        return alike[: min(size, _share(len(alike) + 1, free)) - 1]

    def _signature(self, job: Job) -> str:
        if job.kills or job.is_alone:
            return f"alone: {job.cell.key}"
        if job.cell.key not in self._signatures:
            self._signatures[job.cell.key] = fused_signature(job.trial["config"])
        return self._signatures[job.cell.key]


def choose_fusion(jobs: Sequence[Job], fuse: int | str, slots: int) -> tuple[Fusion, list[str]]:
    """Return which open jobs train together, and a note on each kind of them.

    Args:
        jobs: of the command.
        fuse: ``launcher.fuse``: the number of trials, or ``auto``: measured.
        slots: number of processes that run at the same time.
    """
    fused = [j for j in jobs if j.is_open and j.trial["config"].get("backend") == FUSED]
    signatures = [fused_signature(job.trial["config"]) for job in fused]
    first = dict(zip(reversed(signatures), reversed(fused), strict=True))
    sizes, notes = dict[str, int](), []
    for signature, count in Counter(signatures).items():
        job = first[signature]
        if fuse == "auto":
            size, why = _measured_size(job.trial["config"], count, slots)
        else:
            size, why = min(int(fuse), count), f"launcher.fuse={fuse}"
        sizes[signature] = size
        how = f"{size} of them train together" if size > 1 else "each trains alone"
        names = " · ".join(job.trial["choices"][axis] for axis in ("dataset", "architecture"))
        notes.append(f"{format_count(count, 'fused trial')}, {names}: {how} ({why}).")
    return Fusion(sizes), notes


def _measured_size(config: Mapping[str, Any], count: int, slots: int) -> tuple[int, str]:
    """Return how many trials like this one train together, and why."""
    size = min(_share(count, slots), _LARGEST)
    if size == 1:
        return 1, f"there are {format_count(slots, 'slot')}"
    seconds = measured_together(config, size)
    if not seconds.alone:
        return 1, "launcher.fuse=auto measures on a CPU only"
    times = (f"{1e3 * each:.2g} ms" for each in (seconds.together, seconds.alone))
    why = "{} of CPU time a step and trial together, {} alone".format(*times)
    return size if seconds.together < seconds.alone else 1, why


def measure_together(config: Mapping[str, Any], trials: int) -> StepSeconds:
    """Measure some steps in this process, of a trial alone and of several together."""
    from ablab.config.preflight import device_type
    from ablab.training.fused.measure import measure_steps
    from ablab.training.prepare import as_in_a_trial

    if device_type(config) != "cpu":
        return StepSeconds(0.0, 0.0)
    with as_in_a_trial(cpu_threads(config["launcher"])):
        return StepSeconds(*measure_steps(config, trials))


measured_together = Delegated(measure_together)
"""Returns what `measure_together` does, wherever it is done."""


def _share(count: int, slots: int) -> int:
    """Return the number of trials that each slot trains, rounded up."""
    return -(-count // slots)
