"""The completion record: the one proof that a run is finished, written last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablab.tracking.files import DamagedError, file_sha256
from ablab.tracking.sealed import read_sealed, write_sealed

COMPLETION = "completion.json"
SCHEMA = 2  # 1: of ablab 0.1, without a checksum of itself
_LARGE = (".safetensors", ".ckpt")  # compared by size alone, but where that is asked for
_ON_DISK = {"run": "take", "metadata": "facts"}  # as ablab 0.1 named them, whose labs open
_OUTCOMES = ("finished", "diverged")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "key": str,
    "take": str,
    "outcome": str,
    "time": (int, float),
    "metrics": dict,
    "measured": dict,
    "facts": dict,
    "artifacts": dict,
}


@dataclass(frozen=True)
class Completion:
    """What a finished run says of itself.

    Attributes:
        key: the trial's key.
        run: the run's number, three digits.
        outcome: ``finished`` or ``diverged``.
        time: seconds since 1970.
        metrics: final metrics (``test/accuracy``, …), bit-equal whenever repeated.
        measured: times and memory.
        metadata: counts of the data and the network (``num_classes``, ``test_images``, …).
        artifacts: for each file of the take its ``size`` in bytes and its ``sha256``.
        schema: version of this record.
    """

    key: str
    run: str
    outcome: str
    time: float
    metrics: Mapping[str, float]
    measured: Mapping[str, float]
    metadata: Mapping[str, Any]
    artifacts: Mapping[str, Mapping[str, Any]]
    schema: int = SCHEMA


def describe(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of each named file of a run that exists."""
    return {
        name: {"size": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)}
        for name in names
        if (folder / name).is_file()
    }


def write_completion(folder: Path, completion: Completion) -> None:
    """Write the record, atomically; nothing of the run may change after it."""
    named = {_ON_DISK.get(name, name): value for name, value in vars(completion).items()}
    write_sealed(folder / COMPLETION, named)


def read_completion(folder: Path, *, thorough: bool = False) -> Completion | None:
    """Return a run's completion record, or None where it has no valid one.

    Args:
        folder: the run's.
        thorough: see `checked_completion`.
    """
    try:
        return checked_completion(folder, thorough=thorough)
    except DamagedError:
        return None


def checked_completion(folder: Path, *, thorough: bool = False) -> Completion | None:
    """Return a run's completion record, or None where it has none.

    Args:
        folder: the run's.
        thorough: compare the SHA-256 of weights too, and not their size alone.

    Raises:
        DamagedError: the record or an artifact that it lists is not as it was written.
    """
    path = folder / COMPLETION
    content = read_sealed(path, since=SCHEMA)
    if content is None:
        return None
    if content.get("schema") not in (1, SCHEMA):
        raise DamagedError(f"{path} must have schema {SCHEMA}, got {content.get('schema')}")
    completion = _completion(path, content)
    for name, listed in completion.artifacts.items():
        _compare(folder / name, listed, thorough or not name.endswith(_LARGE))
    return completion


def _completion(path: Path, content: dict[str, Any]) -> Completion:
    """Return the record, whoever wrote it: that of 0.1 has no checksum to prove its form."""
    wrong = [name for name, kind in _TYPES.items() if not isinstance(content.get(name), kind)]
    figures = {} if wrong else {**content["metrics"], **content["measured"]}
    wrong += [name for name, value in figures.items() if not isinstance(value, int | float)]
    if wrong or content.keys() - {*_TYPES, "schema"}:
        odd = ", ".join([*wrong, *sorted(content.keys() - {*_TYPES, "schema"})])
        raise DamagedError(f"{path} must be a completion record, got another value of {odd}")
    names = {on_disk: name for name, on_disk in _ON_DISK.items()}
    completion = Completion(**{names.get(name, name): content[name] for name in content})
    if completion.outcome not in _OUTCOMES:
        raise DamagedError(f"{path} must name an outcome, got {completion.outcome}")
    place = path.parent.parent.name, path.parent.name
    if (completion.key, completion.run) != place:
        raise DamagedError(
            f"{path} must be that of {'/'.join(place)}, got {completion.key}/{completion.run}'s"
        )
    return completion


def _compare(path: Path, listed: Any, thorough: bool) -> None:
    """Compare a file with what the record lists.

    Raises:
        DamagedError: it is another; names it.
    """
    if not isinstance(listed, Mapping) or not {"size", "sha256"} <= listed.keys():
        raise DamagedError(f"{path.parent / COMPLETION} must list size and SHA-256 of {path.name}")
    if not path.is_file():
        raise DamagedError(f"{path} must be there, as the completion record lists it, got none")
    size = path.stat().st_size
    if size != listed["size"]:
        raise DamagedError(f"{path} must have {listed['size']} bytes, as recorded, got {size}")
    if thorough and file_sha256(path) != listed["sha256"]:
        raise DamagedError(f"{path} must be as recorded when the trial finished, got other content")
