"""Trials: resolved and checked configurations, each identified by a key."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ablab.config.checks import checked
from ablab.config.composition import Composition
from ablab.config.groups import AXES, OUTSIDE_KEY
from ablab.config.preflight import num_processes
from ablab.config.validate import faults_without_torch
from ablab.faults import ConfigError
from ablab.model.targets import PARTS, name_in_key

SCHEMA = 2
# Options added after the first release, with the value at which they have no effect. At that value
# they are left out of the key, so that trials finished before the upgrade stay valid.
NEUTRAL: Mapping[str, Any] = {
    "backend": "torch",
    "init_from": None,
    "freeze": None,
    "dataset.enlarge": 4,
    "data.train_images": None,
    "data.val_images": None,
    "data.test_images": None,
    "data.standardize": True,
    "data.permute_pixels": False,
    "data.shuffle": "each_epoch",
    "data.test_shift": [],
    "data.test_noise": [],
    "data.test_brightness": [],
    "data.test_contrast": [],
    "regularizer": {"_target_": "ablab.components.regularizer.none.none"},
    "normalization.placement": "before",
}

# The key has the hash of the data; the path to them is left out.
PATHS = ("dataset.path",)


@dataclass(frozen=True)
class Trial:
    """Stores a resolved trial.

    Attributes:
        key: 16 hexadecimal digits.
        config: the resolved configuration, groups outside the key included.
        choices: group to the name of its YAML.
        data_hash: SHA-256 of the data set's content.
        sources: SHA-256 of the user's source files that the trial depends on (see
            `source_hashes`).
        outside_key: groups of ``config`` that are not in the key.
    """

    key: str
    config: dict[str, Any]
    choices: dict[str, str]
    data_hash: str
    sources: dict[str, str]
    outside_key: tuple[str, ...] = OUTSIDE_KEY

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as they are stored; nested values are shared with the trial."""
        return vars(self).copy()

    def with_seed(self, seed: int) -> "Trial":
        """Return the trial of another seed; valid if no value interpolates the seed."""
        config = {**self.config, "seed": seed}
        return replace(self, key=key_of(config, self.data_hash, self.sources), config=config)


def resolve(composition: Composition) -> Trial:
    """Resolve and check a trial, and compute its key.

    Raises:
        ConfigError: all faults that can be found before training.
        DataError: the data set is missing or damaged.
    """
    return resolve_config(composition.resolved(), composition.choices)


def resolve_config(config: dict[str, Any], choices: dict[str, str]) -> Trial:
    """Check a resolved configuration with the data and sources of today, and compute its key.

    Raises:
        ConfigError: all faults that can be found before training. Where torch is not imported
            yet, faults that need none are raised first, without the others.
        DataError: the data set is missing or damaged.
    """
    if "torch" not in sys.modules and (faults := faults_without_torch(config)):
        raise ConfigError(faults)
    found = checked(config)
    key = key_of(config, found.data_hash, found.sources)
    return Trial(key, config, choices, found.data_hash, dict(found.sources))


def resolve_seeds(composition: Composition, seeds: Sequence[int]) -> Iterator[Trial]:
    """Resolve and check the trials of several seeds; without interpolations only the first.

    Raises:
        ConfigError: all faults that can be found before training.
        DataError: the data set is missing or damaged.
    """
    if composition.is_interpolated:
        yield from (resolve(composition.with_values({"seed": seed})) for seed in seeds)
        return
    first = resolve(composition.with_values({"seed": seeds[0]}))
    yield from (first.with_seed(seed) for seed in seeds)


def key_of(config: Mapping[str, Any], data_hash: str, sources: Mapping[str, str]) -> str:
    """Return the key: a hash of everything that defines the trial.

    The number of processes is included only if a component may draw random numbers separately in
    each of them (see `own_randomness`).
    """
    processes = num_processes(config["devices"])
    if processes == 1:
        return content_key(config, data_hash, sources, None)
    from ablab.model.randomness import own_randomness  # late: it imports torch

    counts = own_randomness(config)
    return content_key(config, data_hash, sources, processes if counts else None)


def content_key(
    config: Mapping[str, Any], data_hash: str, sources: Mapping[str, str], processes: int | None
) -> str:
    """Return the key of a trial whose number of processes counts, or None if it does not."""
    inside = {k: _copy(v) for k, v in config.items() if k not in OUTSIDE_KEY}
    for dotted, neutral in NEUTRAL.items():
        _leave_out(inside, dotted.split("."), neutral)
    for dotted in PATHS:
        _leave_out(inside, dotted.split("."))
    for node in inside.values():
        if isinstance(node, dict) and "_target_" in node:
            node["_target_"] = name_in_key(node["_target_"])
    content = {"config": inside, "data": data_hash, "sources": sources, "schema": SCHEMA}
    if processes is not None:
        content["processes"] = processes
    return hashlib.sha256(_text(content).encode()).hexdigest()[:16]


def used_axes(config: Mapping[str, Any]) -> frozenset[str]:
    """Return the axes that a trial uses: a network need not use every part."""
    return checked(config).used | frozenset(AXES).difference(PARTS)


def _copy(value: Any) -> Any:
    """Return a copy from which keys can be deleted; deeper levels are shared."""
    return dict(value) if isinstance(value, Mapping) else value


def _leave_out(node: Any, path: list[str], *neutral: Any) -> None:
    """Delete the value at a path; if a neutral value is given, only where it equals that."""
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    leaf = path[-1]
    if isinstance(node, dict) and leaf in node and (not neutral or node[leaf] == neutral[0]):
        del node[leaf]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
