"""The completion record: the one proof that a take is finished, written last."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ablab.tracking.files import file_sha256, read_json, write_json

COMPLETION = "completion.json"
SCHEMA = 1


@dataclass(frozen=True)
class Completion:
    """What a finished take says of itself.

    Attributes:
        key: the trial's key.
        take: the take's number, three digits.
        outcome: ``finished`` or ``diverged``.
        time: seconds since 1970.
        metrics: final metrics (``test/accuracy``, …), bit-equal whenever repeated.
        measured: times and memory.
        facts: counts of the data and the network (``num_classes``, ``test_images``, …).
        artifacts: for each file of the take its ``size`` in bytes and its ``sha256``.
        schema: version of this record.
    """

    key: str
    take: str
    outcome: str
    time: float
    metrics: Mapping[str, float]
    measured: Mapping[str, float]
    facts: Mapping[str, Any]
    artifacts: Mapping[str, Mapping[str, Any]]
    schema: int = SCHEMA


def describe(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of each named file of a take that exists."""
    return {
        name: {"size": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)}
        for name in names
        if (folder / name).is_file()
    }


def write_completion(folder: Path, completion: Completion) -> None:
    """Write the record, atomically; nothing of the take may change after it."""
    write_json(folder / COMPLETION, asdict(completion))


def read_completion(folder: Path, *, thorough: bool = False) -> Completion | None:
    """Return a take's completion record, or None where it has no valid one.

    Valid means: it parses, it names this schema, and every artifact stands there with its
    size; ``thorough`` compares the SHA-256 of each as well.
    """
    try:
        content = read_json(folder / COMPLETION)
        completion = None if content is None else Completion(**content)
    except (ValueError, TypeError):
        return None
    if completion is None or completion.schema != SCHEMA:
        return None
    whole = all(_matches(folder / n, a, thorough) for n, a in completion.artifacts.items())
    return completion if whole else None


def _matches(path: Path, artifact: Mapping[str, Any], thorough: bool) -> bool:
    if not path.is_file() or path.stat().st_size != artifact["size"]:
        return False
    return not thorough or file_sha256(path) == artifact["sha256"]
