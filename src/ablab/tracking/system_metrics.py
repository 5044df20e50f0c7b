"""System metrics of a run: what its processes used while they trained, one file per process.

The files lie beside the journal. Like the log they are not part of the completion record, because
a process of a DDP trial may still write when rank 0 has finished.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ablab.tracking.values import Point, milliseconds

_STEM = "system_metrics"


def system_file(folder: Path, rank: int | None = None) -> Path:
    """Return the file of a process.

    Args:
        folder: the run's folder.
        rank: of a process of a DDP trial; None for a trial of one process.
    """
    return folder / (f"{_STEM}.jsonl" if rank is None else f"{_STEM}_rank_{rank}.jsonl")


def encode_sample(time: float, values: Mapping[str, float]) -> str:
    """Return the line of a sample.

    Args:
        time: seconds since 1970.
        values: by name, such as ``cpu_percent``.
    """
    return json.dumps({"time": round(time, 3), **values}, separators=(",", ":")) + "\n"


def system_points(folder: Path, logged: int) -> tuple[list[Point], int]:
    """Return the samples after the first ``logged`` of all files as points ``system/<name>``.

    A step is the number of a sample in its file. A line that a kill cut off is left out.

    Args:
        folder: the run's folder.
        logged: number of samples of each file that were logged already.

    Returns:
        The points, and the number of samples of the shortest file, to continue from.
    """
    points, counts = list[Point](), list[int]()
    for path in sorted(folder.glob(f"{_STEM}*.jsonl")):
        rank = path.stem.removeprefix(_STEM).removeprefix("_")
        prefix = f"system/{rank}/" if rank else "system/"
        samples = list(_samples(path))
        counts.append(len(samples))
        points += [
            (prefix + name, value, milliseconds(time), step)
            for step, (time, values) in enumerate(samples)
            if step >= logged
            for name, value in values.items()
        ]
    return points, min(counts, default=0)


def _samples(path: Path) -> Iterator[tuple[float, dict[str, float]]]:
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            values = {str(name): float(value) for name, value in json.loads(line).items()}
            yield values.pop("time"), values
        except (ValueError, TypeError, AttributeError, KeyError):
            continue
