"""Record of a trial read from disk: configuration, epochs, final metrics and outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablab.tracking.completion import OUTCOMES, Completion
from ablab.tracking.files import DamagedError
from ablab.tracking.journal import Entry, check_epochs
from ablab.tracking.lab import Lab
from ablab.tracking.run import JOURNAL, Run, Snapshot

BEST = "best.safetensors"
CORRECT = "test_correct.npy"
PLAIN_ATTRIBUTES = "plain_attributes.pt"  # see ablab.model.plain_state; most networks have none
_HEADER_BYTES = 4096  # numpy writes 128
_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Record:
    """Stores what the lab has of a trial so far.

    Attributes:
        key: the trial's key.
        outcome: finished, diverged, running, failed, stopped, new, damaged, or absent (never
            started).
        trial: ``config``, ``choices``, ``data_hash``, ``sources``.
        folder: of the newest finished run, else of the newest run, or None.
        reason: why it failed, or which record is damaged; else None.
        epochs: the epoch entries of the journal, in order.
        metrics: final metrics, empty unless finished.
        measured: final times and memory.
        metadata: properties of the data and the network.
        environment: versions, hardware, commit, of the last attempt.
        damage: a message for each damaged run of the trial, discarded ones excepted.
    """

    key: str
    outcome: str
    trial: Mapping[str, Any]
    folder: Path | None = None
    reason: str | None = None
    epochs: tuple[Entry, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    damage: tuple[str, ...] = ()

    def correct(self) -> NDArray[np.bool_] | None:
        """Return which test images were classified correctly, shape (test_images,), or None."""
        if self.folder is None:
            return None
        return read_correct(self.folder, int(self.metadata.get("test_images", 0)))


def read_record(
    lab: Lab, key: str, trial: Mapping[str, Any] | None = None, commit: str = ""
) -> Record:
    """Return the record of a trial.

    Args:
        lab: the lab.
        key: the trial's key.
        trial: the trial in the plan, used if it was never started.
        commit: start of a commit; only its runs are used. Empty: all runs.
    """
    runs = [run for run in lab.runs(key) if not commit or _commit(run).startswith(commit)]
    results = ((run, run.completion) for run in reversed(runs))
    if finished := next((result for result in results if result[1] is not None), None):
        record = record_of(*finished)
    elif runs:
        record = record_of(runs[-1])
    else:
        return Record(key, "absent", trial or {})
    # Of the run that counts all was read already: reading it again would take as long.
    others = (run for run in runs if run.folder != record.folder or not _is_whole(record))
    damage = tuple(message for run in others if (message := run.damage()))
    return replace(record, damage=damage) if damage else record


def _is_whole(record: Record) -> bool:
    """Return whether no record of a finished run was changed since it was written."""
    if record.outcome not in OUTCOMES:
        return False
    try:
        check_epochs(Path(JOURNAL), record.epochs)
    except DamagedError:
        return False
    return True


def _commit(run: Run) -> str:
    try:
        return str(run.environment.get("commit") or "")
    except DamagedError:
        return ""


def record_of(run: Run, completion: Completion | None = None) -> Record:
    """Return the record of one run; of a damaged one, the outcome and the reason.

    Args:
        run: the run.
        completion: its completion record, if it was read before: reading it takes time.
    """
    try:
        snapshot = Snapshot(False, completion, run.entries()) if completion else run.snapshot()
        trial, environment = run.trial, run.environment
    except DamagedError:
        return Record(run.key, run.status(), {}, run.folder, run.damage() or None)
    failures = [e for e in snapshot.entries if e.kind == "failed"]
    record = Record(
        key=run.key,
        outcome=run.status_of(snapshot),
        trial=trial,
        folder=run.folder,
        epochs=tuple(e for e in snapshot.entries if e.kind == "epoch"),
        environment=environment,
    )
    if snapshot.completion is None:
        reason = failures[-1].note.get("error") if failures else None
        return replace(record, reason=run.damage() if record.outcome == "damaged" else reason)
    return replace(
        record,
        metrics=snapshot.completion.metrics,
        measured=snapshot.completion.measured,
        metadata=snapshot.completion.metadata,
    )


def read_correct(folder: Path, images: int) -> NDArray[np.bool_] | None:
    """Return which of ``images`` test images a run classified correctly, or None if unknown.

    Raises:
        DamagedError: the file is not an array of one bit per image.
    """
    path = folder / CORRECT
    if not path.is_file():
        return None
    if images <= 0:
        return np.zeros(0, np.bool_)
    # The size is compared first: the file's header may promise more than the memory holds.
    if path.stat().st_size > images // 8 + _HEADER_BYTES:
        raise DamagedError(f"{path} must hold {images} bits, got more")
    content, size = path.read_bytes(), -(-images // 8)
    if size >= len(content):
        raise DamagedError(f"{path} must hold {images} bits, got fewer")
    try:
        dtype, shape, start = _array_header(content[:-size])
    except (ValueError, KeyError, EOFError, OverflowError) as error:
        raise DamagedError(f"{path} must be an array of numpy, got: {error}") from error
    if dtype != np.uint8 or shape != (size,) or start + size != len(content):
        raise DamagedError(f"{path} must hold {images} bits, got {dtype} {shape}")
    bits = np.frombuffer(content, np.uint8, offset=start)
    return np.unpackbits(bits, count=images).view(np.bool_)


@lru_cache
def _array_header(content: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return type, shape and end of the header that a file of numpy starts with.

    Most trials of a sweep have the same: parsing it takes longer than reading the file.

    Raises:
        ValueError: it is none.
        KeyError: its version is unknown.
    """
    stream = BytesIO(content)
    version = np.lib.format.read_magic(stream)
    shape, _, dtype = _READ_HEADER[version](stream)
    return dtype, shape, stream.tell()
