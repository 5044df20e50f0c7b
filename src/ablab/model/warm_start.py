"""``init_from``: a trial that starts from the best weights of a finished trial of the lab."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.tracking.lab import Lab
from ablab.tracking.records import BEST

_KEY = re.compile("[0-9a-f]{16}")


def init_from_faults(config: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with ``init_from``: nothing, or that it is no finished trial."""
    try:
        weights_hash(config)
    except InputError as error:
        return [str(error)]
    return []


def weights_hash(config: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 of the weights that a trial starts from, None where it has its own.

    Raises:
        InputError: ``init_from`` is no finished trial of the lab.
    """
    key = config.get("init_from")
    return None if key is None else _weights(str(key))[1]


def start_from(network: nn.Module, key: str) -> None:
    """Copy the best weights of a finished trial, batch-norm statistics among them.

    A layer that the other network lacks, or has in another shape, keeps its initial weights whole.

    Args:
        network: with its initial weights.
        key: the other trial's.

    Raises:
        InputError: that is no finished trial of the lab, or its network has no such layer.
    """
    given, own = load_file(_weights(key)[0]), network.state_dict()
    kept = _different(own, given)
    names = [name for name in own if _layer(name) not in kept]
    if not names:
        raise InputError(
            "init_from must be a trial whose network shares a layer with this one, by name and "
            f"shapes, got {key}"
        )
    with torch.no_grad():
        for name in names:
            own[name].copy_(given[name])


def told(network: nn.Module, config: Mapping[str, Any]) -> str:
    """Return a sentence on where a network's first weights are from, empty without ``init_from``.

    It names the layers that `start_from` leaves as they were initialised.
    """
    if config.get("init_from") is None:
        return ""
    key = str(config["init_from"])
    kept = _different(network.state_dict(), load_file(_weights(key)[0]))
    anew = f", but {', '.join(kept)}, which the seed initialises" if kept else ""
    return f"The weights of trial {key} are where it starts{anew}."


def _different(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    names = [n for n, v in own.items() if n not in given or given[n].shape != v.shape]
    return list(dict.fromkeys(_layer(name) for name in names))


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _weights(key: str) -> tuple[Path, str]:
    """Return the file of a trial's best weights, and its SHA-256.

    Raises:
        InputError: there is no such trial, it is not finished, or it diverged.
    """
    if not _KEY.fullmatch(key):
        raise InputError(
            "init_from must be the key of a trial, 16 hexadecimal digits (in quotes where they "
            f"look like a number), or null, got {key}"
        )
    lab = Lab(lab_folder())
    run = lab.finished(key)
    completion = None if run is None else run.completion
    if run is None or completion is None or completion.outcome != "finished":
        runs = lab.runs(key)
        state = runs[-1].status() if runs else "not in the lab"
        raise InputError(
            f"init_from must be a finished trial of the lab {lab.root}, got {key}, which is "
            f"{state}: train it to its end first, with the command that began it"
        )
    return run.folder / BEST, str(completion.artifacts[BEST]["sha256"])
