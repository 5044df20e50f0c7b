"""YAMLs that Hydra sees beside its own, one by one."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from ablab.bounds import NAME
from ablab.config.yaml_file import read_yaml
from ablab.faults import ConfigError
from ablab.text import shown_name

_NAME = re.compile(r"\w[\w.+ ()-]*")


class Offer(NamedTuple):
    """A YAML, and where Hydra shall see it.

    Attributes:
        group: Hydra's group.
        name: of the choice.
        path: the file.
        package: where it is merged; None: at the group.
    """

    group: str
    name: str
    path: Path
    package: str | None = None


@contextmanager
def offered(offers: Sequence[Offer]) -> Iterator[None]:
    """Show YAMLs to Hydra for the block.

    They go in file by file: a search path would let a foreign config.yaml replace ours, or lose
    a name to ours in silence.

    Raises:
        ConfigError: a file is no YAML of keys and values.
    """
    store = ConfigStore.instance()
    try:
        for offer in offers:
            node = load(offer.path)
            store.store(offer.name, node, group=offer.group, package=offer.package)
        yield
    finally:
        for offer in offers:
            store.repo.get(offer.group, {}).pop(f"{offer.name}.yaml", None)


def load(path: Path) -> DictConfig:
    """Return what a YAML holds.

    Raises:
        ConfigError: it is no YAML of keys and values, or more than is taken.
    """
    return OmegaConf.create(read_yaml(path))


def yamls(folder: Path) -> dict[str, Path]:
    """Return the YAMLs of a folder by name, hidden files left out.

    Raises:
        ConfigError: a name cannot be a choice, or is another's but for capitals or accents'
            spelling, which some file systems do not tell apart.
    """
    found: dict[str, Path] = {}
    same: dict[str, str] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        name = path.stem
        if name.startswith("."):
            continue
        if not _NAME.fullmatch(name) or name != name.strip():
            rule = "be named with letters, digits, spaces and _ - . + ( )"
            faults.append(f"{shown_name(folder)}/*.yaml must {rule}, got {shown_name(path.name)}")
        faults += NAME.fault(f"a name in {shown_name(folder)}", len(name), of=name)
        first = same.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if first != name:
            twins = f"{shown_name(first)} and {shown_name(name)}"
            faults.append(f"{shown_name(folder)}/*.yaml must differ in more than case, got {twins}")
        found[name] = path
    if faults:
        raise ConfigError(faults)
    return found


def joined(own: dict[str, Path], mine: dict[str, Path], kind: str) -> dict[str, Path]:
    """Return the suite's own YAMLs and the user's.

    Raises:
        ConfigError: a name stands in both places.
    """
    twice = own.keys() & mine.keys()
    if twice:
        raise ConfigError(
            [f"{kind} must be named once, got {mine[n]}, whose name the suite has" for n in twice]
        )
    return own | mine
