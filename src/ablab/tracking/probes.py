"""What the probes of a run found: ``probes.csv`` in its folder."""

import math
from collections.abc import Mapping
from pathlib import Path

from ablab.errors import InputError
from ablab.tracking.csv_text import read_rows

PROBES = "probes.csv"
COLUMNS = ("epoch", "layer", "probe", "value")

Found = Mapping[str, Mapping[str, tuple[float, ...]]]
"""By probe, then by layer from the input on: a figure an epoch, NaN where there is none."""


def read_probes(folder: Path) -> Found:
    """Return what the probes found in a run; empty where none were on.

    Args:
        folder: the run's.

    Raises:
        InputError: the file is no table of probes.
    """
    path = folder / PROBES
    if not path.is_file():
        return {}
    header, *rows = read_rows(path)
    if tuple(header) != COLUMNS:
        raise InputError(f"{path} must begin with {','.join(COLUMNS)}, got {','.join(header)}")
    found: dict[str, dict[str, dict[int, float]]] = {}
    for epoch, layer, probe, value in rows:
        found.setdefault(probe, {}).setdefault(layer, {})[int(epoch)] = float(value)
    epochs = 1 + max((int(row[0]) for row in rows), default=-1)
    return {
        probe: {
            layer: tuple(values.get(epoch, math.nan) for epoch in range(epochs))
            for layer, values in layers.items()
        }
        for probe, layers in found.items()
    }
