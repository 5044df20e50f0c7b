"""Which jobs train together in one process (``backend=fused``), and how many."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ablab.config.fused import FUSED, fused_signature
from ablab.config.preflight import device_type
from ablab.config.threads import cpu_threads
from ablab.sweep.job import Job
from ablab.text import format_count
from ablab.tracking.files import DamagedError, read_json, write_json
from ablab.tracking.lab import Lab
from ablab.training.environment import cpu_name, versions

Measure = Callable[[Mapping[str, Any], int], tuple[float, float]]

_LARGEST = 8  # trials that `auto` lets train together
_FILE = "fusion.json"  # in the lab: measured seconds of a step, alone and together


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


def choose_fusion(
    jobs: Sequence[Job],
    fuse: int | str,
    slots: int,
    lab: Lab,
    measure: Measure | None = None,
) -> tuple[Fusion, list[str]]:
    """Return which open jobs train together, and a note on each kind of them.

    Args:
        jobs: of the command.
        fuse: ``launcher.fuse``: the number of trials, or ``auto``: measured.
        slots: number of processes that run at the same time.
        lab: remembers what was measured.
        measure: replaces `ablab.training.fused.measure.measure_steps` in tests.
    """
    fused = [j for j in jobs if j.is_open and j.trial["config"].get("backend") == FUSED]
    signatures = [fused_signature(job.trial["config"]) for job in fused]
    first = dict(zip(reversed(signatures), reversed(fused), strict=True))
    sizes, notes = dict[str, int](), []
    for signature, count in Counter(signatures).items():
        job = first[signature]
        if fuse == "auto":
            size, why = _measured_size(job, count, slots, lab, measure or _measure)
        else:
            size, why = min(int(fuse), count), f"launcher.fuse={fuse}"
        sizes[signature] = size
        how = f"{size} of them train together" if size > 1 else "each trains alone"
        names = " · ".join(job.trial["choices"][axis] for axis in ("dataset", "architecture"))
        notes.append(f"{format_count(count, 'fused trial')}, {names}: {how} ({why}).")
    return Fusion(sizes), notes


def _measured_size(job: Job, count: int, slots: int, lab: Lab, measure: Measure) -> tuple[int, str]:
    """Return how many trials like a job's train together, and why."""
    config = job.trial["config"]
    size = min(_share(count, slots), _LARGEST)
    if size == 1:
        return 1, f"there are {format_count(slots, 'slot')}"
    if device_type(config) != "cpu":  # in this process, a measurement would keep GPU memory
        return 1, "launcher.fuse=auto measures on a CPU only"
    alone, together = _measured(config, size, lab, measure)
    times = (f"{1e3 * seconds:.2g} ms" for seconds in (together, alone))
    why = "{} of CPU time a step and trial together, {} alone".format(*times)
    return size if together < alone else 1, why


def _measured(
    config: Mapping[str, Any], size: int, lab: Lab, measure: Measure
) -> tuple[float, float]:
    """Return the seconds of a step and trial, alone and together; measured once in a lab."""
    about = [fused_signature(config), size, cpu_threads(config["launcher"]), cpu_name(), versions()]
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
    path = lab.root / _FILE
    try:
        known = read_json(path) or {}
        if key in known:
            alone, together = known[key]
            return float(alone), float(together)
    except (DamagedError, TypeError, ValueError):
        known = {}
    seconds = measure(config, size)
    if lab.root.is_dir():  # not in a dry run without a lab
        write_json(path, {**known, key: seconds})
    return seconds


def _measure(config: Mapping[str, Any], trials: int) -> tuple[float, float]:
    import torch

    from ablab.training.fused.measure import measure_steps
    from ablab.training.prepare import keep_freed_memory

    keep_freed_memory()  # as in the trials' process
    threads = torch.get_num_threads()
    torch.set_num_threads(cpu_threads(config["launcher"]))
    try:
        return measure_steps(config, trials)
    finally:
        torch.set_num_threads(threads)


def _share(count: int, slots: int) -> int:
    """Return the number of trials that each slot trains, rounded up."""
    return -(-count // slots)
