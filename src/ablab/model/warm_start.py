"""``init_from``: initial weights from a finished trial of the lab."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.tracking.completion import omitted_weights
from ablab.tracking.lab import Lab
from ablab.tracking.records import BEST

if TYPE_CHECKING:
    from torch import Tensor, nn

_KEY = re.compile("[0-9a-f]{16}")


def init_from_faults(config: Mapping[str, Any]) -> list[str]:
    """Return the fault of ``init_from``, if it names no finished trial."""
    try:
        weights_hash(config)
    except InputError as error:
        return [str(error)]
    return []


def weights_hash(config: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 of the weights that ``init_from`` names, None without it.

    Raises:
        InputError: ``init_from`` is no finished trial of the lab.
    """
    key = config.get("init_from")
    return None if key is None else _weights(str(key))[1]


def start_from(network: "nn.Module", key: str) -> None:
    """Copy the best weights of a finished trial, including batch-norm statistics.

    A layer that the other network lacks, or has with another shape, keeps its initial weights and
    biases.

    Args:
        network: changed in place.
        key: key of the finished trial.

    Raises:
        InputError: it is no finished trial of the lab, or the networks share no layer.
    """
    import torch
    from safetensors.torch import load_file

    source, own = load_file(_weights(key)[0]), network.state_dict()
    kept = _different_layers(own, source)
    names = [name for name in own if _layer(name) not in kept]
    if not names:
        raise InputError(
            "init_from must be a trial whose network shares a layer with this one, by name and "
            f"shapes, got {key}"
        )
    with torch.no_grad():
        for name in names:
            own[name].copy_(source[name])


def init_from_note(network: "nn.Module", config: Mapping[str, Any]) -> str:
    """Return a sentence on the source of the initial weights, empty without ``init_from``.

    It names the layers that `start_from` does not copy.
    """
    if config.get("init_from") is None:
        return ""
    from safetensors.torch import load_file

    key = str(config["init_from"])
    kept = _different_layers(network.state_dict(), load_file(_weights(key)[0]))
    exceptions = f", except {', '.join(kept)}, initialized by the seed" if kept else ""
    return f"The initial weights are those of trial {key}{exceptions}."


def _different_layers(own: "Mapping[str, Tensor]", source: "Mapping[str, Tensor]") -> list[str]:
    names = [n for n, v in own.items() if n not in source or source[n].shape != v.shape]
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
            f"{state}: finish it first, with the command that started it"
        )
    if BEST in omitted_weights(run.folder):
        raise InputError(
            f"init_from must be a trial with weights, got {key}, which was imported without: "
            "import an archive that holds them"
        )
    return run.folder / BEST, str(completion.artifacts[BEST]["sha256"])
