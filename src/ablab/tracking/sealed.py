"""Records that carry a checksum of themselves: no edit and no flipped bit goes unnoticed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablab.tracking.files import DamagedError, read_json, write_json

_SUM = "sha256"


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record with its checksum, as JSON, atomically."""
    write_json(path, {**content, _SUM: checksum(content)})


def read_sealed(path: Path, *, since: int | None = None) -> dict[str, Any] | None:
    """Return a record without its checksum, or None where there is no such file.

    Args:
        path: of the record.
        since: the ``schema`` from which on a record without a checksum is damaged; by default
            any may lack it: ablab 0.1 wrote none.

    Raises:
        DamagedError: it is no JSON object, or not the one that was written.
    """
    content = read_json(path)
    if content is None:
        return None
    if not isinstance(content, dict):
        raise DamagedError(f"{path} must hold a JSON object, got {json.dumps(content)[:40]}")
    stated = content.pop(_SUM, None)
    lacks = stated is None and since is not None and content.get("schema") not in range(since)
    if lacks or (stated is not None and stated != checksum(content)):
        raise DamagedError(f"{path} must be as ablab wrote it, got one with another checksum")
    return content


def checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record, the same before it was written and after it was read."""
    plain = json.loads(json.dumps(content))  # tuples are lists in it, keys are text
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
