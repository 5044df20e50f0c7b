"""Records of configurations that passed their checks, in the lab's cache.

A command that meets such a configuration again need not import torch to check it: a finished trial
is shown, and a sweep with nothing to train is planned, in a fraction of a second of a processor
instead of five. A record holds for one version of the code and its packages, on one machine
(`ablab.config.machine.fingerprint`), and while the files of the data have the sizes and times that
they had. Components of the user's are checked each time: their source may change, and only
importing it shows what it imports.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ablab import folders
from ablab.config.checks import Check, Checked
from ablab.config.groups import AXES
from ablab.config.machine import fingerprint
from ablab.config.source_imports import TRUSTED
from ablab.model.warm_start import weights_hash
from ablab.tracking.files import write_atomic

T = TypeVar("T")

_FOLDER = "checks"
_KEPT_SECONDS = 30 * 86_400.0  # that records of other code or another machine are kept, unused


def recorded(check: Check) -> Check:
    """Return a check that does only what has no record, and records it."""

    def look_up(config: Mapping[str, Any]) -> Checked:
        path = _path(config)
        if path is None:
            return check(config)
        found = _read(path, config)
        if found is None:
            found = check(config)
            if found.data_files is not None:
                states = {str(file): _state(file) for file in found.data_files}
                _write(path, {"used": sorted(found.used), "data": found.data_hash, "files": states})
        return found

    return look_up


def recorded_numbers(
    name: str, kind: type[T], measure: Callable[[Mapping[str, Any]], T]
) -> Callable[[Mapping[str, Any]], T]:
    """Return a measurement that is made once for all seeds of a configuration.

    Args:
        name: of the measurement.
        kind: dataclass of numbers that it returns.
        measure: makes it.
    """

    def look_up(config: Mapping[str, Any]) -> T:
        path = _path(config)
        if path is None:
            return measure(config)
        path = path.with_suffix(f".{name}.json")
        with suppress(OSError, ValueError, TypeError):
            return kind(**json.loads(path.read_text("utf-8")))
        found = measure(config)
        _write(path, vars(found))
        return found

    return look_up


def _path(config: Mapping[str, Any]) -> Path | None:
    """Return the path of a configuration's record, None if it is never recorded."""
    nodes = [config.get(group) for group in (*AXES, "launcher")]
    names = [node.get("_target_") if isinstance(node, Mapping) else None for node in nodes]
    if not all(isinstance(n, str) and n.partition(".")[0] in TRUSTED for n in names):
        return None
    if config["dataset"].get("path"):
        return None
    content = [{**config, "seed": 0}, weights_hash(config)]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return folders.cache_folder() / _FOLDER / fingerprint() / f"{digest[:32]}.json"


def _read(path: Path, config: Mapping[str, Any]) -> Checked | None:
    """Return what a record holds; None if there is none, or the data were changed since."""
    try:
        record = json.loads(path.read_text("utf-8"))
        files = {Path(name): tuple(state) for name, state in record["files"].items()}
        if any(_state(file) != state for file, state in files.items()):
            return None
        weights = weights_hash(config)
        sources = {} if weights is None else {"init_from": weights}
        return Checked(frozenset(record["used"]), str(record["data"]), sources, tuple(files))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(path: Path, record: Mapping[str, Any]) -> None:
    with suppress(OSError):  # the lab may be read-only
        if not path.parent.is_dir():
            _remove_old(path.parent.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(record))


def _state(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


def _remove_old(folder: Path) -> None:
    for other in folder.glob("*"):
        if other.stat().st_mtime < time.time() - _KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
