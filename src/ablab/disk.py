"""Free disk space: below a floor, nothing starts to train."""

import shutil
from pathlib import Path

from ablab.errors import ResourceError
from ablab.formatting import format_size

FLOOR_BYTES = 200e6  # stays free, for the store, the cache, reports and other programs


def free_bytes(folder: Path) -> float:
    """Return the free bytes on the disk of a folder, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return float(shutil.disk_usage(folder).free)


def require_space(folder: Path, needed: float = 0.0, purpose: str = "to train") -> None:
    """Check that a disk has the floor and what is needed besides.

    Args:
        folder: on the disk; it need not exist yet.
        needed: bytes, 0 if unknown.
        purpose: what the bytes are for, as the message says it.

    Raises:
        ResourceError: it has less.
    """
    free = free_bytes(folder)
    if free >= FLOOR_BYTES + needed:
        return
    parts = f" ({format_size(needed)} {purpose}, {format_size(FLOOR_BYTES)} to stay free)"
    raise ResourceError(
        f"free disk space must be at least {format_size(FLOOR_BYTES + needed)}"
        f"{parts if needed else ''} at {folder}, got {format_size(free)}: free some, for example "
        "with `ablab prune`, then repeat the command"
    )
