"""YAML files that users add: their names, and how Hydra gets to see them."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from ablab.bounds import NAME
from ablab.config.overrides import SWEEPS
from ablab.config.yaml_file import read_yaml
from ablab.faults import ConfigError
from ablab.text import format_name

_NAME = re.compile(r"\w[\w.+ ()-]*")


@contextmanager
def registered(files: Mapping[tuple[str, str], Path]) -> Iterator[None]:
    """Register YAML files in Hydra's config store for the block.

    File by file: with a folder on Hydra's search path, a user's config.yaml would replace ours,
    and a name that ours has as well would be ignored silently.

    Args:
        files: by group and name; sweeps are merged at the root, others at their group.

    Raises:
        ConfigError: a file is not a YAML mapping.
    """
    store = ConfigStore.instance()
    try:
        for (group, name), path in files.items():
            package = "_global_" if group == SWEEPS else None
            store.store(name, OmegaConf.create(read_yaml(path)), group=group, package=package)
        yield
    finally:
        for group, name in files:
            store.repo.get(group, {}).pop(f"{name}.yaml", None)


def yaml_files(folder: Path) -> dict[str, Path]:
    """Return the YAML files of a folder by name, without hidden files.

    Raises:
        ConfigError: a name cannot be typed as a choice, or differs from another one only in case
            or in Unicode normalization, which some file systems do not distinguish.
    """
    files: dict[str, Path] = {}
    first_spelling: dict[str, str] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        name = path.stem
        if name.startswith("."):
            continue
        if not _NAME.fullmatch(name) or name != name.strip():
            rule = "be named with letters, digits, spaces and _ - . + ( )"
            faults.append(f"{format_name(folder)}/*.yaml must {rule}, got {format_name(path.name)}")
        faults += NAME.fault(f"a name in {format_name(folder)}", len(name), of=name)
        first = first_spelling.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if first != name:
            both = f"{format_name(first)} and {format_name(name)}"
            faults.append(f"{format_name(folder)}/*.yaml must differ in more than case, got {both}")
        files[name] = path
    if faults:
        raise ConfigError(faults)
    return files


def merge_names(shipped: dict[str, Path], users: dict[str, Path], kind: str) -> dict[str, Path]:
    """Return ablab's YAML files and the user's by name.

    Raises:
        ConfigError: a name is in both.
    """
    twice = shipped.keys() & users.keys()
    if twice:
        rule = f"{kind} must have a name that ablab does not use"
        raise ConfigError([f"{rule}, got {users[name]}" for name in twice])
    return shipped | users


def check_folders(conf: Path, groups: Collection[str]) -> None:
    """Check that a user's ``./conf`` contains nothing but folders of groups.

    Raises:
        ConfigError: with the unknown entries.
    """
    unknown = {p.name for p in conf.iterdir() if not p.name.startswith(".")} - set(groups)
    if unknown:
        got = format_name(", ".join(sorted(unknown)))
        rule = "must contain only folders of axes and launchers"
        raise ConfigError([f"{format_name(conf)} {rule}, got {got}"])
