"""A trial: one fully resolved configuration, seed included, known by its key."""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import torch

from ablab.tracking.files import file_sha256
from ablab.training import build
from ablab.training.compose import AXES, OUTSIDE_KEY, Composition
from ablab.training.faults import ConfigError
from ablab.training.preflight import device_faults
from ablab.training.targets import resolve, source_file
from ablab.training.validate import validate

SCHEMA = 1
# Options that came after the first release, dotted, with the value at which they change nothing:
# at that value they are left out of the key, so that an upgrade does not void finished work.
NEUTRAL: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Trial:
    """A trial, frozen.

    Attributes:
        key: 16 hexadecimal digits.
        config: the resolved configuration, groups outside the key included.
        choices: which YAML each group took.
        data_hash: SHA-256 of the data set's content.
        sources: SHA-256 of the module of each target outside torch and ablab, by target.
        outside_key: groups of ``config`` that are not in the key.
    """

    key: str
    config: dict[str, Any]
    choices: dict[str, str]
    data_hash: str
    sources: dict[str, str]
    outside_key: tuple[str, ...] = OUTSIDE_KEY

    def as_dict(self) -> dict[str, Any]:
        """Return what is written down."""
        return asdict(self)


def freeze(composition: Composition) -> Trial:
    """Resolve, check and name a trial.

    Raises:
        ConfigError: all faults that are known before training.
        DataError: the data set is missing or damaged.
    """
    config = composition.resolved()
    validate(config)
    if faults := device_faults(config):
        raise ConfigError(faults)
    _check_built(_text({**config, "seed": 0}))
    data_hash = _data_hash(_text(config["dataset"]))
    sources = source_hashes(config)
    key = key_of(config, data_hash, sources)
    return Trial(key, config, composition.choices, data_hash, sources)


def key_of(config: Mapping[str, Any], data_hash: str, sources: Mapping[str, str]) -> str:
    """Return the key: a hash of what makes a trial the trial it is."""
    inside = {k: v for k, v in copy.deepcopy(dict(config)).items() if k not in OUTSIDE_KEY}
    for dotted, neutral in NEUTRAL.items():
        _leave_out(inside, dotted.split("."), neutral)
    content = {"config": inside, "data": data_hash, "sources": sources, "schema": SCHEMA}
    return hashlib.sha256(_text(content).encode()).hexdigest()[:16]


def source_hashes(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of the source of each target that is neither torch's nor ours."""
    targets = {config[axis]["_target_"]: axis for axis in AXES}
    files = {name: source_file(resolve(axis, name)) for name, axis in targets.items()}
    return {name: file_sha256(file) for name, file in sorted(files.items()) if file is not None}


def used_axes(config: Mapping[str, Any]) -> frozenset[str]:
    """Return the axes that a trial uses: a network need not ask for each of its parts."""
    parts = {"activation", "pooling", "normalization", "dropout"}
    return _check_built(_text({**config, "seed": 0})) | (frozenset(AXES) - parts)


@lru_cache(maxsize=1024)
def _check_built(text: str) -> frozenset[str]:
    """Build a trial without weights, pass a batch through, and return the parts it uses."""
    config = json.loads(text)
    faults: list[str] = []
    used: frozenset[str] = frozenset()
    try:
        data = build.datamodule(config)
        with torch.device("meta"):
            network, used = build.network(config, data, torch.Generator("cpu"))
            side = data.image_size
            output = network(torch.empty(2, data.in_channels, side, side))
            _expect_logits(output, data.num_classes)
            optimizer = build.Builder("optimizer", config["optimizer"])
            steps = optimizer(named_params=network.named_parameters())
            build.Builder("scheduler", config["scheduler"])(optimizer=steps, total_steps=100)
            build.Builder("loss", config["loss"])()
        data.train_dataloader()
    except NotImplementedError:
        pass  # an operation that has no shapes without values says nothing about faults
    except (ValueError, TypeError, RuntimeError) as error:
        faults.append(_told(error, config))
    if faults:
        raise ConfigError(faults)
    return used


def _expect_logits(output: Any, num_classes: int) -> None:
    shape = tuple(getattr(output, "shape", ()))
    if shape != (2, num_classes):
        raise ValueError(f"architecture must return (N, {num_classes}) logits, got {shape} for N=2")


def _told(error: Exception, config: Mapping[str, Any]) -> str:
    if isinstance(error, ValueError):
        return str(error)
    name = config["architecture"]["_target_"].rpartition(".")[2]
    return f"architecture must work with its parts and data, got {error} from {name}"


@lru_cache(maxsize=64)
def _data_hash(text: str) -> str:
    return build.Builder("dataset", json.loads(text))().content_hash  # type: ignore[no-any-return]


def _leave_out(node: Any, path: list[str], neutral: Any) -> None:
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict) and path[-1] in node and node[path[-1]] == neutral:
        del node[path[-1]]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
