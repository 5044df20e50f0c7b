"""The checks of a configuration that import its components, and where they are done.

They need torch and Lightning, whose import takes seconds. By default they are done in this
process; a command that only plans lets another process do them (`checked`), or finds what they
found before (`ablab.config.check_records`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ablab import folders
from ablab.config.delegated import Delegated
from ablab.faults import ConfigError


@dataclass(frozen=True)
class Checked:
    """What the checks of a faultless configuration found; the same for all its seeds.

    Attributes:
        used: parts that its network uses (see `ablab.model.targets.PARTS`).
        data_hash: SHA-256 of the data set's content.
        sources: SHA-256 of the user's source files (see `ablab.config.sources`).
        data_files: files whose sizes and times show that the data are the same; None where files
            do not show it.
    """

    used: frozenset[str]
    data_hash: str
    sources: Mapping[str, str]
    data_files: tuple[Path, ...] | None = None


Check = Callable[[Mapping[str, Any]], Checked]


def check(config: Mapping[str, Any]) -> Checked:
    """Check a resolved configuration in this process.

    Raises:
        ConfigError: all faults that can be found before training.
        DataError: the data set is missing or damaged.
    """
    from ablab.config.dry_build import dry_build
    from ablab.config.graph_faults import graph_faults
    from ablab.config.preflight import device_faults
    from ablab.config.sources import source_hashes
    from ablab.config.validate import validate

    validate(config)
    faults, used = [*device_faults(config), *graph_faults(config)], frozenset[str]()
    try:
        used = dry_build(config)
    except ConfigError as error:
        faults += error.faults
    if faults:
        raise ConfigError(faults)
    # Uncached for a user's files, which may change.
    hashed = _data.__wrapped__ if config["dataset"].get("path") else _data
    text = json.dumps(config["dataset"], sort_keys=True)
    data_hash, files = hashed(text, folders.data_folder(), folders.cache_folder())
    return Checked(used, data_hash, source_hashes(config), files)


@cache
def _data(text: str, *_folders: Path) -> tuple[str, tuple[Path, ...] | None]:
    """Return the hash of a data set and its files; the folders are part of the cache's key."""
    from ablab.model import build

    data = build.dataset(json.loads(text))
    return data.content_hash, data.cached_files


checked = Delegated(check)
"""Returns what `check` does, with the same errors, wherever it is done."""
