"""Free disk space: below a floor, nothing starts to train."""

import shutil
from pathlib import Path

from ablab.errors import ResourceError

FLOOR_BYTES = 200e6  # stays free, for the store, the cache, reports and other programs
GB = 1e9


def free_bytes(folder: Path) -> float:
    """Return the free bytes on the disk of a folder, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return float(shutil.disk_usage(folder).free)


def require_space(folder: Path, needed: float = 0.0) -> None:
    """Check that a disk has the floor and what is needed besides.

    Args:
        folder: on the disk; it need not exist yet.
        needed: bytes, 0 if unknown.

    Raises:
        ResourceError: it has less.
    """
    free = free_bytes(folder)
    if free >= FLOOR_BYTES + needed:
        return
    parts = f" ({format_size(needed)} to train, {format_size(FLOOR_BYTES)} to stay free)"
    raise ResourceError(
        f"free disk space must be at least {format_size(FLOOR_BYTES + needed)}"
        f"{parts if needed else ''} at {folder}, got {format_size(free)}: free some, for example "
        "with `ablab prune`, and the same command continues"
    )


def format_size(size: float) -> str:
    """Format bytes to two or three digits: ``4.2 MB``, ``38 MB``, ``1.50 GB``.

    Example:
        >>> format_size(4.25e6), format_size(2e8), format_size(1.5e9), format_size(3e10)
        ('4.2 MB', '200 MB', '1.50 GB', '30 GB')
    """
    if size < GB:
        return f"{size / 1e6:.1f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB"
    return f"{size / GB:.2f} GB" if size < 10 * GB else f"{size / GB:.0f} GB"
