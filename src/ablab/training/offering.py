"""YAMLs that Hydra sees beside its own, one by one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ablab.training.faults import ConfigError, first_line


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
        ConfigError: it is no YAML of keys and values.
    """
    try:
        config = OmegaConf.load(path)
    except (YAMLError, OmegaConfBaseException, OSError) as error:
        raise ConfigError([f"{path} must be YAML, got {first_line(error)}"]) from error
    if not isinstance(config, DictConfig):
        raise ConfigError([f"{path} must hold keys and values, got a list"])
    return config


def yamls(folder: Path) -> dict[str, Path]:
    """Return the YAMLs of a folder by name."""
    return {p.stem: p for p in sorted(folder.glob("*.yaml"))}


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
