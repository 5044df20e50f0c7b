"""Lets one machine at a time use a SQLite store on a network filesystem.

SQLite's locks are not reliable between machines there (sqlite.org/faq.html, question 5). So the
processes of one machine write a beat into a marker beside the store, and another machine that sees
a beat is refused. A marker whose beat has stood still for three intervals, by the observer's own
clock, was left by a machine that ended: the next generation of the marker takes its place. Its
file is created by the first machine alone (``O_EXCL``), which the file server decides. A marker is
written in place: opening a file again shows its content, a renamed one may be hidden by a cache.
"""

import json
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablab.errors import StoreError
from ablab.tracking.database import network_filesystem

_INTERVAL = 10.0  # seconds from one beat to the next
_STILL = 3  # intervals without a beat after which a machine counts as gone
_LOOKS = 10  # how often a beat is looked for in an interval
_SIZE = 512
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while suspended


@dataclass
class _Claim:
    database: Path
    kind: str
    generation: int
    pid: int
    beaten: float
    lost: str = ""


_claims: dict[Path, _Claim] = {}
_lock = threading.Lock()


def claim(database: Path) -> str | None:
    """Claim a store on a network filesystem for this machine, as long as this process lives.

    Args:
        database: the store's file; it may not exist yet, its folder does.

    Returns:
        A message for the user if another machine was replaced, else None.

    Raises:
        StoreError: another machine uses the store.
    """
    kind = network_filesystem(database)
    if kind is None:
        return None
    with _lock:
        known = _claims.get(database)
        if known is not None and known.pid == os.getpid() and not known.lost:
            return None
        generation, notice = _take(database, kind)
        claimed = _Claim(database, kind, generation, os.getpid(), _now())
        _beat(claimed)
        _claims[database] = claimed
    threading.Thread(target=_loop, args=(claimed,), name="ablab-marker", daemon=True).start()
    return notice


def check_claim(database: Path | None) -> None:
    """Refuse to use a store that another machine took over, for instance during a suspension.

    Raises:
        StoreError: it did, or the marker could not be written for too long.
    """
    claimed = _claims.get(database) if database is not None else None
    if claimed is None or claimed.pid != os.getpid():
        return
    if not claimed.lost and _now() - claimed.beaten > 2 * _INTERVAL:
        _beat(claimed)
    if claimed.lost:
        raise StoreError(claimed.lost)


def marker(database: Path, generation: int) -> Path:
    """Return the path of a marker."""
    return database.with_name(f".{database.name}.host-{generation:04d}")


def machine() -> dict[str, str]:
    """Return what identifies this machine: its name, and its boot, which no other one shares."""
    boot = _BOOT.read_text("ascii").strip() if _BOOT.exists() else ""
    return {"host": socket.gethostname(), "boot": boot}


def _take(database: Path, kind: str) -> tuple[int, str | None]:
    """Return the generation of this machine's marker, which is created unless it exists."""
    notice = None
    while True:
        generation, holder = _newest(database)
        if holder is not None:
            if _is_ours(holder):
                return generation, notice
            if not _stands_still(marker(database, generation)):
                raise StoreError(_refusal(database, kind, holder))
            notice = (
                f"{database.name} was last used on {_name(holder)}, which has stopped: this "
                "machine uses it from now on"
            )
        with suppress(FileExistsError):  # another process was first: look again
            _write(marker(database, generation + 1), os.O_CREAT | os.O_EXCL)
            return generation + 1, notice


def _newest(database: Path) -> tuple[int, dict[str, Any] | None]:
    """Return the newest generation and its holder; 0 and None if there is no marker."""
    prefix = marker(database, 0).name[:-4]
    names = (file.name for file in database.parent.iterdir() if file.name.startswith(prefix))
    numbers = [name.removeprefix(prefix) for name in names]
    generation = max((int(n) for n in numbers if n.isdigit()), default=0)
    if not generation:
        return 0, None
    try:
        content = json.loads(marker(database, generation).read_bytes())
    except ValueError:  # being written, or torn by a crash: alive unless it stands still
        content = {}
    return generation, content if isinstance(content, dict) else {}


def _stands_still(path: Path) -> bool:
    """Watch a marker; return whether its beat stood still for three intervals."""
    first, until = path.read_bytes(), _now() + _STILL * _INTERVAL
    while _now() < until:
        time.sleep(_INTERVAL / _LOOKS)
        if path.read_bytes() != first:
            return False
    return True


def _loop(claimed: _Claim) -> None:
    time.sleep(_INTERVAL)
    while not claimed.lost and _claims.get(claimed.database) is claimed:
        _beat(claimed)
        time.sleep(_INTERVAL)


def _beat(claimed: _Claim) -> None:
    """Write a beat, and see whether another machine took over."""
    try:
        generation, holder = _newest(claimed.database)
        if holder is None or not (generation == claimed.generation or _is_ours(holder)):
            claimed.lost = _refusal(claimed.database, claimed.kind, holder or {})
            return
        claimed.generation = generation
        _write(marker(claimed.database, generation))
        claimed.beaten = _now()
    except OSError as error:  # a file server may be away for a moment
        if _now() - claimed.beaten > _STILL * _INTERVAL:
            claimed.lost = (
                f"{marker(claimed.database, claimed.generation)} must be writable, got: "
                f"{error.strerror}; `ablab sync` delivers once it is"
            )


def _write(path: Path, flags: int = 0) -> None:
    content = {**machine(), "pid": os.getpid(), "beat": time.time_ns()}
    descriptor = os.open(path, os.O_WRONLY | flags, 0o666)
    try:
        os.pwrite(descriptor, json.dumps(content).encode().ljust(_SIZE - 1) + b"\n", 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_ours(holder: dict[str, Any]) -> bool:
    """Return whether a holder is this machine; without a boot id its name decides."""
    own = machine()
    return all(holder.get(name) == own[name] for name in (("boot",) if own["boot"] else own))


def _name(holder: dict[str, Any]) -> str:
    return f"{holder.get('host', 'another machine')} (process {holder.get('pid', 'unknown')})"


def _refusal(database: Path, kind: str, holder: dict[str, Any]) -> str:
    return (
        f"{database} must be used by one machine at a time, because it is on a network filesystem "
        f"({kind}), got one that {_name(holder)} uses; end ablab there and repeat the command, or "
        "set MLFLOW_TRACKING_URI to an MLflow server, which several machines can use"
    )


def _now() -> float:
    return time.clock_gettime(_CLOCK)
