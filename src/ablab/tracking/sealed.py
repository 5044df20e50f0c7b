"""JSON records with a checksum of their content, which reveals edits and flipped bits."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablab.tracking.files import DamagedError, read_json, write_json

_SUM = "sha256"


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record and its checksum as JSON, atomically."""
    write_json(path, {**content, _SUM: checksum(content)})


def read_sealed(path: Path, *, since: int | None = None) -> dict[str, Any] | None:
    """Return a record without its checksum, or None if there is no such file.

    Args:
        path: of the record.
        since: the first ``schema`` that needs a checksum; by default none does, since early
            versions of ablab 0.1 wrote none.

    Raises:
        DamagedError: it is not a JSON object, or does not match its checksum.
    """
    content = read_json(path)
    if content is None:
        return None
    if not isinstance(content, dict):
        raise DamagedError(f"{path} must hold a JSON object, got {json.dumps(content)[:40]}")
    stored = content.pop(_SUM, None)
    lacks = stored is None and since is not None and content.get("schema") not in range(since)
    if lacks or (stored is not None and stored != _digest(content)):
        raise DamagedError(f"{path} must be as ablab wrote it, got one with another checksum")
    return content


def checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record, equal before it is written and after it is read."""
    plain = json.loads(json.dumps(content))  # as JSON reads it back: lists for tuples, keys as text
    return _digest(plain)


def _digest(plain: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record that is as JSON reads it."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
