"""The completion record: the only proof that a run is finished, written last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

from ablab.folders import is_file_name
from ablab.text import format_name
from ablab.tracking.files import DamagedError, file_sha256
from ablab.tracking.journal import is_number
from ablab.tracking.metrics import EXACT
from ablab.tracking.sealed import read_sealed, write_sealed

COMPLETION = "completion.json"
OMITTED = "omitted.txt"  # weights that an import lacked, one a line
SCHEMA = 2  # 1 (early ablab 0.1) had no checksum of itself
_LARGE = (".safetensors", ".ckpt")  # compared by size alone, unless `thorough`
_ON_DISK = {"run": "take", "metadata": "facts"}  # the keys of ablab 0.1, so that its labs open
OUTCOMES = ("finished", "diverged")
_COUNTS = ("parameters", "flops", "num_classes", "train_images", "val_images", "test_images")
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
    """Stores the results of a finished run.

    Attributes:
        key: the trial's key.
        run: the run's number, three digits.
        outcome: ``finished`` or ``diverged``.
        time: seconds since 1970.
        metrics: final metrics (``test/accuracy``, …), bit-equal in every repetition.
        measured: times and memory.
        metadata: properties of the data and the network (``num_classes``, ``test_images``, …).
        artifacts: ``size`` in bytes and ``sha256`` of each file of the run, by name.
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

    @property
    def values(self) -> dict[str, float]:
        """Every recorded number, by the name of its metric."""
        counts = {name: self.metadata[name] for name in EXACT if name in self.metadata}
        return {**counts, **self.measured, **self.metrics}


def describe(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of each named file of a run that exists."""
    return {
        name: {"size": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)}
        for name in names
        if (folder / name).is_file()
    }


def write_completion(folder: Path, completion: Completion) -> None:
    """Write the record atomically; the run's files must not change afterwards."""
    content = {_ON_DISK.get(name, name): value for name, value in vars(completion).items()}
    write_sealed(folder / COMPLETION, content)


def completion_sha(folder: Path) -> str:
    """Return the SHA-256 of a run's completion record."""
    return file_sha256(folder / COMPLETION)


def read_completion(folder: Path, *, thorough: bool = False) -> Completion | None:
    """Return a run's completion record, or None if it has no valid one.

    Args:
        folder: the run's folder.
        thorough: see `checked_completion`.
    """
    try:
        return checked_completion(folder, thorough=thorough)
    except DamagedError:
        return None


def checked_completion(folder: Path, *, thorough: bool = False) -> Completion | None:
    """Return a run's completion record, or None if it has none.

    Args:
        folder: the run's folder.
        thorough: compare the SHA-256 of weights too, not just their size.

    Raises:
        DamagedError: the record, or an artifact that it lists, was changed since it was written.
    """
    completion = parse_completion(folder)
    if completion is None:
        return None
    omitted = omitted_weights(folder)
    for name, listed in completion.artifacts.items():
        if name in omitted:
            continue
        _compare(folder / name, listed, thorough or not is_weights(name))
    return completion


def parse_completion(folder: Path) -> Completion | None:
    """Return a run's completion record, whatever became of the artifacts; None if it has none.

    Raises:
        DamagedError: the record was changed since it was written.
    """
    path = folder / COMPLETION
    content = read_sealed(path, since=SCHEMA)
    if content is None:
        return None
    if content.get("schema") not in (1, SCHEMA):
        raise DamagedError(f"{path} must have schema {SCHEMA}, got {content.get('schema')}")
    return _completion(path, content)


def omitted_weights(folder: Path) -> frozenset[str]:
    """Return the weights that were left out when the run was imported: missing, but not damaged."""
    path = folder / OMITTED
    if not path.is_file():
        return frozenset()
    names = path.read_text("utf-8", "replace").split()
    return frozenset(n for n in names if n.endswith(_LARGE) and not (folder / n).exists())


def is_weights(name: str) -> bool:
    """Return whether an artifact is large, and needed only to go on from a network's weights."""
    return name.endswith(_LARGE)


def _completion(path: Path, content: dict[str, Any]) -> Completion:
    """Return the record of a file's content, checked: one of schema 1 has no checksum."""
    wrong = _wrong_values(content)
    if wrong or content.keys() - {*_TYPES, "schema"}:
        names = ", ".join(map(format_name, [*wrong, *sorted(content.keys() - {*_TYPES, "schema"})]))
        raise DamagedError(f"{path} must be a completion record, got another value of {names}")
    fields = {on_disk: name for name, on_disk in _ON_DISK.items()}
    completion = Completion(**{fields.get(name, name): content[name] for name in content})
    if completion.outcome not in OUTCOMES:
        raise DamagedError(
            f"{path} must have outcome finished or diverged, got {completion.outcome}"
        )
    key, run = path.parent.parent.name, path.parent.name
    if (completion.key, completion.run) != (key, run):
        raise DamagedError(
            f"{path} must be the record of {key}/{run}, got that of "
            f"{completion.key}/{completion.run}"
        )
    return completion


def _wrong_values(content: Mapping[str, Any]) -> list[str]:
    """Return the names of values of another type, and of artifacts outside the run's folder."""
    wrong = [name for name, kind in _TYPES.items() if not isinstance(content.get(name), kind)]
    if wrong:
        return wrong
    counts = {n: v for n, v in content["facts"].items() if n in _COUNTS and v is not None}
    numbers = {**content["metrics"], **content["measured"], **counts}
    wrong = [name for name, value in numbers.items() if not is_number(value)]
    return wrong + [n for n in content["artifacts"] if not all(map(is_file_name, n.split("/")))]


def _compare(path: Path, listed: Any, thorough: bool) -> None:
    """Compare a file with its entry in the record.

    Raises:
        DamagedError: they differ; names the file.
    """
    if not isinstance(listed, Mapping) or not {"size", "sha256"} <= listed.keys():
        raise DamagedError(f"{path.parent / COMPLETION} must list size and SHA-256 of {path.name}")
    try:
        state = path.stat()
    except OSError:
        state = None
    if state is None or not S_ISREG(state.st_mode):
        raise DamagedError(f"{path} must exist, as the completion record lists it, got no file")
    size = state.st_size
    if size != listed["size"]:
        raise DamagedError(f"{path} must have {listed['size']} bytes, as recorded, got {size}")
    if thorough and file_sha256(path) != listed["sha256"]:
        raise DamagedError(f"{path} must be as recorded when the trial finished, got other content")
